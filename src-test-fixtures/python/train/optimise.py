"""Muon for matrices, convolutions' kernels among them, and AdamW for the rest."""

from __future__ import annotations

import torch
from torch import nn


class Muon(torch.optim.Muon):
    """torch's Muon, which knows matrices only; of a kernel [O, I, ...] it sees the matrix [O, I * ...]."""

    def __init__(self, parameters, **options):
        self._whole = list(parameters)
        # A view shares the memory of the kernel, so a step of the view is a step of the kernel.
        super().__init__([p if p.ndim == 2 else nn.Parameter(p.detach().flatten(1)) for p in self._whole], **options)

    def step(self, closure=None):
        for whole, matrix in zip(self._whole, self.param_groups[0]["params"]):
            if matrix is not whole:
                matrix.grad = None if whole.grad is None else whole.grad.reshape(matrix.shape)
        return super().step(closure)


def optimisers(matrices: list[nn.Parameter], rest: list[nn.Parameter], rate: float) -> list[torch.optim.Optimizer]:
    return [Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.99), weight_decay=0.0)]


def set_rates(steppers: list[torch.optim.Optimizer], rate: float) -> None:
    """Muon gets the rate, AdamW half of it."""
    for stepper, part in zip(steppers, (1.0, 0.5)):
        for group in stepper.param_groups:
            group["lr"] = part * rate
