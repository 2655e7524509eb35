"""Muon for matrices, convolutions' kernels among them, and AdamW for the rest."""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import nn

# Keller Jordan's quintic Newton-Schulz iteration ("Muon: An optimizer for hidden layers in neural networks", 2024).
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest matrices with orthogonal rows or columns, about: their singular values lie near 1.  [k, m, n], bfloat16."""
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are made orthogonal, as large as AdamW's are (0.2 in the mean square times the rate).

    torch.optim.Muon takes one matrix after the other, and no kernels; here all of one shape go together, which on a GPU
    is ten times fewer launches, and of a kernel [O, I, ...] the matrix [O, I * ...] counts.
    """

    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.01):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            alike = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    alike[p.flatten(1).shape].append(p)
            for (rows, columns), parameters in alike.items():
                grads = [p.grad for p in parameters]
                momenta = [self._momentum(p) for p in parameters]
                torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
                ahead = torch._foreach_lerp(grads, momenta, group["momentum"])
                size = group["lr"] * 0.2 * math.sqrt(max(rows, columns))
                steps = orthogonal(torch.stack([s.flatten(1) for s in ahead])).to(grads[0].dtype) * size
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_sub_(parameters, [s.view_as(p) for s, p in zip(steps, parameters)])

    def _momentum(self, parameter: torch.Tensor) -> torch.Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        return state["momentum_buffer"]


def optimisers(matrices: list[nn.Parameter], rest: list[nn.Parameter], rate: float) -> list[torch.optim.Optimizer]:
    """On a GPU their rates are tensors, so that a captured step can change them."""
    captured = rest[0].is_cuda
    rates = [torch.tensor(rate, device=rest[0].device) if captured else rate for _ in range(2)]
    return [Muon(matrices, lr=rates[0]), torch.optim.AdamW(rest, lr=rates[1], betas=(0.9, 0.99), weight_decay=0.0, capturable=captured)]


def set_rates(steppers: list[torch.optim.Optimizer], rate: float) -> None:
    """Muon gets the rate, AdamW half of it."""
    for stepper, part in zip(steppers, (1.0, 0.5)):
        for group in stepper.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(part * rate)
            else:
                group["lr"] = part * rate


def move_average(average: nn.Module, model: nn.Module, share: float | torch.Tensor) -> None:
    """The average moves towards the model by that share."""
    with torch.no_grad():
        steps = torch._foreach_sub(list(model.parameters()), list(average.parameters()))
        torch._foreach_mul_(steps, share)
        torch._foreach_add_(list(average.parameters()), steps)
