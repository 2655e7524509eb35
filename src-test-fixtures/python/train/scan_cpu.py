"""A fast Direction of a Mamba2 for training on a CPU with AVX-512: scan_cpu.cpp, compiled when it is first needed.

    from train import scan_cpu
    scan_cpu.install()

It runs on one thread, whatever the number of threads of PyTorch, and computes in float32 whatever the type of its inputs.
"""

from __future__ import annotations

import ctypes

import torch
from torch.autograd.function import once_differentiable

from lingen_torch import mamba
from train.native_cpu import passes, unavailable

_WIDTH, _TAPS = 32, 4
_original = mamba.Direction.forward


class _Call(ctypes.Structure):
    """Call of scan_cpu.cpp."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("batch", "length", "review", "heads", "reverse", "is_bf16")),
        *((name, ctypes.c_void_p) for name in ("x", "bc", "dt", "review_x", "review_bc", "review_dt")),
        *((name, ctypes.c_int64 * 6) for name in ("batch_step", "row_step")),
        *((name, ctypes.c_void_p) for name in (
            "conv_weight", "conv_bias", "dt_bias", "A_log", "D", "y", "grad_y",
            "grad_x", "grad_bc", "grad_dt", "grad_review_x", "grad_review_bc", "grad_review_dt",
            "grad_conv_weight", "grad_conv_bias", "grad_dt_bias", "grad_A_log", "grad_D"))]


def _library() -> ctypes.CDLL:
    return passes("scan", _Call)


def _rows(tensor):
    """The tensor itself if its rows are contiguous, wherever they lie."""
    return tensor if tensor is None or tensor.stride(-1) == 1 else tensor.contiguous()


def _call(inputs, parameters, reverse, **others):
    """inputs: x, bc, dt and the same three of the review tokens or three None."""
    x, review = inputs[0], inputs[3]
    call = _Call(batch=x.shape[0], length=x.shape[1], review=0 if review is None else review.shape[1],
                 heads=x.shape[2] // _WIDTH, reverse=reverse, is_bf16=x.dtype == torch.bfloat16)
    for i, (name, tensor) in enumerate(zip(("x", "bc", "dt", "review_x", "review_bc", "review_dt"), inputs)):
        if tensor is not None:
            setattr(call, name, tensor.data_ptr())
            call.batch_step[i], call.row_step[i] = tensor.stride()[:2]
    for name, tensor in (zip(("conv_weight", "conv_bias", "dt_bias", "A_log", "D"), parameters)):
        setattr(call, name, tensor.data_ptr())
    for name, tensor in others.items():
        if tensor is not None:
            setattr(call, name, tensor.data_ptr())
    return ctypes.byref(call)


class Scan(torch.autograd.Function):
    """Direction.forward as a function of its inputs and parameters."""

    @staticmethod
    def forward(ctx, reverse, x, bc, dt, review_x, review_bc, review_dt, *parameters):
        inputs = [_rows(tensor) for tensor in (x, bc, dt, review_x, review_bc, review_dt)]
        parameters = [parameter.contiguous() for parameter in parameters]
        y = torch.empty(x.shape, dtype=x.dtype)
        _library().scan_forward(_call(inputs, parameters, reverse, y=y))
        ctx.save_for_backward(*inputs, *parameters)
        ctx.reverse = reverse
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        inputs, parameters = ctx.saved_tensors[:6], ctx.saved_tensors[6:]
        grads = [None if tensor is None else torch.empty(tensor.shape, dtype=tensor.dtype) for tensor in ctx.saved_tensors]
        names = ("grad_x", "grad_bc", "grad_dt", "grad_review_x", "grad_review_bc", "grad_review_dt",
                 "grad_conv_weight", "grad_conv_bias", "grad_dt_bias", "grad_A_log", "grad_D")
        grad = grad.to(inputs[0].dtype).contiguous()
        _library().scan_backward(_call(inputs, parameters, ctx.reverse, grad_y=grad, **dict(zip(names, grads))))
        return None, *grads


def _fits(direction, inputs, reverse):
    x, bc, _, review = inputs[:4]
    parameters = direction.conv.weight, direction.conv.bias, direction.dt_bias, direction.A_log, direction.D
    given = [tensor for tensor in inputs if tensor is not None]
    return (direction.groups == 1 and bc.shape[-1] == 2 * _WIDTH and x.shape[-1] == _WIDTH * direction.A_log.shape[0]
            and direction.conv.weight.shape[1] == _TAPS and x.numel() > 0
            and not (reverse and review is not None)
            and x.dtype in (torch.float32, torch.bfloat16) and all(tensor.dtype == x.dtype for tensor in given)
            and all(tensor.dtype == torch.float32 for tensor in parameters)
            and all(tensor.device.type == "cpu" for tensor in (*given, *parameters)))


def _forward(self, x, bc, dt, review=None, reverse=False):
    inputs = x, bc, dt, *(review or (None,) * 3)
    if not _fits(self, inputs, reverse):
        return _original(self, x, bc, dt, review, reverse)
    return Scan.apply(reverse, *inputs, self.conv.weight, self.conv.bias, self.dt_bias, self.A_log, self.D)


def install() -> bool:
    """Makes every Direction of this process use it, where it can; False: this machine cannot, nothing has changed."""
    if unavailable():
        return False
    _library()
    mamba.Direction.forward = _forward
    return True


def uninstall() -> None:
    mamba.Direction.forward = _original
