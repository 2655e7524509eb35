"""Work that is launched again and again on a GPU as one CUDA graph: a training step of a small model is thousands of short kernels, which the
host could not launch as fast as they run."""

from __future__ import annotations

from collections.abc import Callable

import torch

# Before it is captured: libraries choose algorithms, kernels are compiled, optimizers make their state.
WARM_UPS = 2


class Captured:
    """A function of tensors of fixed shapes, captured at its first call; its output is overwritten by the next one.

    All that share a `pool` must be called one after the other, on one stream; memory of their inner results is shared.
    """

    def __init__(self, function: Callable, pool, stream: torch.cuda.Stream):
        self.function, self.pool, self.stream, self.graph = function, pool, stream, None

    @property
    def captured(self) -> bool:
        return self.graph is not None

    def __call__(self, *inputs: torch.Tensor):
        if not self.captured:
            self._capture(inputs)
        for own, new in zip(self.inputs, inputs):
            own.copy_(new, non_blocking=True)
        self.graph.replay()
        return self.output

    def _capture(self, inputs) -> None:
        self.inputs = [x.clone() for x in inputs]
        torch.cuda.synchronize()
        # On one stream with the capture: gradients are summed on the stream on which they were first seen.
        with torch.cuda.stream(self.stream):
            for _ in range(WARM_UPS):
                self.function(*self.inputs)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=self.pool, stream=self.stream):
            self.output = self.function(*self.inputs)
        torch.cuda.synchronize()
