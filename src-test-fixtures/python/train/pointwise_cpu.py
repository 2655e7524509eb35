"""Fast layers between a denoiser's matrix products for training on a CPU with AVX-512: pointwise_cpu.cpp, compiled when it is first needed.

    from train import pointwise_cpu
    pointwise_cpu.install()

PyTorch runs them as several passes over memory and keeps what lies between; here each is one pass either way, and the backward
pass computes again what it needs. One thread; values as they come, statistics and sums in float32.
"""

from __future__ import annotations

import ctypes
import functools

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from lingen_torch import denoiser, layers, mamba
from lingen_torch.layers import compute_dtype
from train.native_cpu import library, unavailable

_LETTERS = {torch.float32: "f", torch.bfloat16: "h"}
_WIDE = 16
_ORIGINALS = dict(modulated_norm=layers.modulated_norm, gated_sum=layers.gated_sum, gated_rms_norm=layers.gated_rms_norm,
                  feed_forward=layers.FeedForward.forward)
_EPS = 1e-6


@functools.cache
def _function(name: str, *dtypes: torch.dtype):
    function = getattr(library("pointwise_cpu"), f"{name}_{''.join(_LETTERS[d] for d in dtypes)}")
    function.restype = None
    return function


def _run(name: str, dtypes, *arguments) -> None:
    _function(name, *dtypes)(*(ctypes.c_void_p(a.data_ptr()) if isinstance(a, torch.Tensor) else
                               ctypes.c_float(a) if isinstance(a, float) else ctypes.c_int64(a) for a in arguments))


def _fits(width: int, *tensors: torch.Tensor) -> bool:
    return width % _WIDE == 0 and all(t.dtype in _LETTERS and t.device.type == "cpu" for t in tensors)


class Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x = x.contiguous()
        ctx.save_for_backward(x)
        y = torch.empty_like(x)
        _run("gelu_forward", (x.dtype,), x.numel(), x, y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        out = torch.empty_like(x)
        _run("gelu_backward", (x.dtype,), x.numel(), x, grad.contiguous(), out)
        return out


class GatedNorm(torch.autograd.Function):
    """y [n, w], z [n, w] with any distance between rows, weight [w]"""

    @staticmethod
    def forward(ctx, y, z, weight, eps):
        y, weight = y.contiguous(), weight.contiguous()
        ctx.save_for_backward(y, z, weight)
        ctx.eps = eps
        out = torch.empty_like(y)
        _run("gated_norm_forward", (y.dtype,), *y.shape, y, z, z.stride(0), weight, eps, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        y, z, weight = ctx.saved_tensors
        grad_y, grad_z, grad_weight = torch.empty_like(y), torch.empty_like(y), torch.zeros_like(weight)
        _run("gated_norm_backward", (y.dtype,), *y.shape, y, z, z.stride(0), weight, ctx.eps, grad.contiguous(), grad_y, grad_z, grad_weight)
        return grad_y, grad_z, grad_weight, None


class ModulatedNorm(torch.autograd.Function):
    """x [b, n, d]; shift, scale [b, d] float32"""

    @staticmethod
    def forward(ctx, x, shift, scale, dtype):
        x, shift, scale = x.contiguous(), shift.contiguous(), scale.contiguous()
        ctx.save_for_backward(x, scale)
        out = torch.empty(x.shape, dtype=dtype)
        _run("modulated_norm_forward", (x.dtype, dtype), *x.shape, x, shift, scale, _EPS, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, scale = ctx.saved_tensors
        grad_x, grad_shift, grad_scale = torch.empty_like(x), torch.zeros_like(scale), torch.zeros_like(scale)
        _run("modulated_norm_backward", (x.dtype, grad.dtype), *x.shape, x, scale, _EPS, grad.contiguous(), grad_x, grad_shift, grad_scale)
        return grad_x, grad_shift, grad_scale, None


class GatedSum(torch.autograd.Function):
    """x, branch [b, n, d]; gate [b, d] float32"""

    @staticmethod
    def forward(ctx, x, gate, branch):
        x, gate, branch = x.contiguous(), gate.contiguous(), branch.contiguous()
        ctx.save_for_backward(gate, branch)
        out = torch.empty_like(x)
        _run("gated_sum_forward", (x.dtype, branch.dtype), *x.shape, x, gate, branch, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        gate, branch = ctx.saved_tensors
        grad_gate, grad_branch = torch.zeros_like(gate), torch.empty_like(branch)
        grad = grad.contiguous()
        _run("gated_sum_backward", (grad.dtype, branch.dtype), *branch.shape, gate, branch, grad, grad_branch, grad_gate)
        return grad, grad_gate, grad_branch


def _modulated_norm(x, shift, scale):
    dtype = compute_dtype(x)
    if not _fits(x.shape[-1], x, shift, scale) or dtype not in _LETTERS:
        return _ORIGINALS["modulated_norm"](x, shift, scale)
    return ModulatedNorm.apply(x, shift.float(), scale.float(), dtype)


def _gated_sum(x, gate, branch):
    if not _fits(x.shape[-1], x, gate, branch):
        return _ORIGINALS["gated_sum"](x, gate, branch)
    return GatedSum.apply(x, gate.float(), branch)


def _gated_rms_norm(y, z, weight, eps):
    if not _fits(y.shape[-1], y, z, weight) or y.dtype != z.dtype or z.stride(-1) != 1:
        return _ORIGINALS["gated_rms_norm"](y, z, weight, eps)
    return GatedNorm.apply(y.flatten(0, 1), z.flatten(0, 1), weight.float(), eps).view(y.shape)


def _feed_forward(self, u):
    hidden = self.fc1(u)
    if not _fits(hidden.shape[-1], hidden):
        return self.fc2(F.gelu(hidden, approximate="tanh"))
    return self.fc2(Gelu.apply(hidden))


def install() -> bool:
    """Makes every denoiser of this process use them, where it can; False: this machine cannot, nothing has changed."""
    if unavailable():
        return False
    library("pointwise_cpu")
    denoiser.modulated_norm, denoiser.gated_sum = _modulated_norm, _gated_sum
    mamba.gated_rms_norm = _gated_rms_norm
    layers.FeedForward.forward = _feed_forward
    return True


def uninstall() -> None:
    denoiser.modulated_norm, denoiser.gated_sum = _ORIGINALS["modulated_norm"], _ORIGINALS["gated_sum"]
    mamba.gated_rms_norm = _ORIGINALS["gated_rms_norm"]
    layers.FeedForward.forward = _ORIGINALS["feed_forward"]
