"""Fast attention with heads 32 wide and few keys for training on a CPU with AVX-512: attention_cpu.cpp, compiled when it is first needed.

    from train import attention_cpu
    attention_cpu.install()

It runs on one thread and computes in float32 whatever the type of its inputs.
"""

from __future__ import annotations

import ctypes

import torch
from torch.autograd.function import once_differentiable

from lingen_torch import layers, tesa
from train.native_cpu import passes, unavailable

_WIDTH = 32
# Beyond, keys and values leave the second level cache.
_MOST_KEYS = 512
_original = layers.attention


class _Call(ctypes.Structure):
    """Attention of attention_cpu.cpp."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("batch", "heads", "queries", "keys", "is_bf16")),
        ("scale", ctypes.c_float),
        *((name, ctypes.c_void_p) for name in ("q", "k", "v")),
        *((name, ctypes.c_int64 * 3) for name in ("q_step", "k_step", "v_step", "y_step")),
        *((name, ctypes.c_void_p) for name in ("keep", "y", "grad_y", "grad_q", "grad_k", "grad_v"))]


def _library() -> ctypes.CDLL:
    return passes("attention", _Call)


def _call(q, k, v, keep, **others):
    batch, heads, queries, width = q.shape
    call = _Call(batch=batch, heads=heads, queries=queries, keys=k.shape[2], is_bf16=q.dtype == torch.bfloat16, scale=width ** -0.5)
    for name, tensor in dict(q=q, k=k, v=v).items():
        setattr(call, name, tensor.data_ptr())
        getattr(call, f"{name}_step")[:] = tensor.stride()[:3]
    call.y_step[:] = queries * heads * width, width, heads * width
    for name, tensor in dict(keep=keep, **others).items():
        if tensor is not None:
            setattr(call, name, tensor.data_ptr())
    return ctypes.byref(call)


class Attention(torch.autograd.Function):
    """q [b, heads, n, 32]; k, v [b, heads, m, 32]; keep [b, m] bool or None -> [b, n, heads * 32]"""

    @staticmethod
    def forward(ctx, q, k, v, keep):
        q, k, v = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k, v))
        ctx.save_for_backward(q, k, v, keep)
        y = torch.empty(q.shape[0], q.shape[2], q.shape[1] * _WIDTH, dtype=q.dtype)
        _library().attention_forward(_call(q, k, v, keep, y=y))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        q, k, v, keep = ctx.saved_tensors
        # Side by side per token, as the projections want them.
        grads = [torch.empty(x.shape[0], x.shape[2], x.shape[1], _WIDTH, dtype=x.dtype) for x in (q, k, v)]
        names = dict(zip(("grad_q", "grad_k", "grad_v"), grads))
        _library().attention_backward(_call(q, k, v, keep, grad_y=grad.contiguous(), **names))
        return *(g.transpose(1, 2) for g in grads), None


def _attention(q, k, v, mask=None):
    keep = mask is None or mask.dtype == torch.bool and mask.shape[1:3] == (1, 1) and mask.shape[0] in (1, q.shape[0])
    fits = (keep and q.shape[-1] == _WIDTH and 0 < k.shape[2] <= _MOST_KEYS and q.dtype in (torch.float32, torch.bfloat16)
            and all(x.dtype == q.dtype and x.device.type == "cpu" for x in (q, k, v)))
    if not fits:
        return _original(q, k, v, mask)
    return Attention.apply(q, k, v, None if mask is None else mask[:, 0, 0].expand(q.shape[0], -1).contiguous())


def install() -> bool:
    """Makes every denoiser of this process use it, where it can; False: this machine cannot, nothing has changed."""
    if unavailable():
        return False
    _library()
    layers.attention = tesa.attention = _attention
    return True


def uninstall() -> None:
    layers.attention = tesa.attention = _original
