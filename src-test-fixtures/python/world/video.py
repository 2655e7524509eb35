"""Video files as arrays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def read_clip(path: Path) -> tuple[np.ndarray, int]:
    """A video file's frames [F, H, W, 3] uint8 and their rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or Fraction(16)
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    if not frames:
        raise ValueError(f"{path}: found no frames")
    clip = np.stack(frames)
    if clip.shape[1] != clip.shape[2] or clip.shape[1] % 32:
        raise ValueError(f"{path}: found {clip.shape[2]}x{clip.shape[1]}, expected square frames whose side is a multiple of 32")
    return clip, round(rate)


def write_clip(path: Path, clip: np.ndarray, fps: int) -> None:
    """Frames [F, H, W, 3] uint8 as H.264 with the encoder's defaults."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
