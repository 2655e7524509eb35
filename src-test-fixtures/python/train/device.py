"""Moves what a training draws to the device that trains."""

from __future__ import annotations

import numpy as np
import torch


def send(array: np.ndarray, device: str) -> torch.Tensor:
    """The array on the device. A copy to a GPU does not wait for what that still has to do."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor if device == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
