"""Several processes of one thread each that share a training step, and a clock that forgives pauses.

On a shared CPU this is faster than one process of several threads, which meet at every operation instead of once a step.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def launch(body, processes: int, *arguments) -> None:
    """Runs body(rank, *arguments) in this process (rank 0) and in `processes` - 1 others, which wait when it is paused."""
    if processes == 1:
        body(0, *arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        others = [mp.get_context("spawn").Process(target=_join, args=(rank, processes, meeting, body, arguments), daemon=True)
                  for rank in range(1, processes)]
        for other in others:
            other.start()
        _join(0, processes, meeting, body, arguments)
        for other in others:
            other.join()


def _join(rank, processes, meeting, body, arguments):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, timeout=timedelta(hours=6), rank=rank, world_size=processes)
    body(rank, *arguments)
    dist.destroy_process_group()


def average_gradients(parameters) -> None:
    """Gradients become their mean over the processes."""
    if not dist.is_initialized():
        return
    grads = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for grad, part in zip(grads, flat.split([g.numel() for g in grads])):
        grad.copy_(part.view_as(grad))


class Clock:
    """Seconds of training, the same in every process. A step counts half a minute at most, so a pause costs little."""

    def __init__(self, used: float):
        self.used, self.before = used, time.time()

    def tick(self) -> float:
        now = time.time()
        spent = torch.tensor([min(now - self.before, 30.0)], dtype=torch.float64)
        self.before = now
        if dist.is_initialized():
            dist.broadcast(spent, 0)
        self.used += spent.item()
        return self.used


def save(path: Path, content) -> None:
    """Writes a checkpoint whole or not at all."""
    torch.save(content, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)
