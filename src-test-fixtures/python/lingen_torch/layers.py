"""The parts of a block that are common to LinGen and DiT, and the shared numeric rules.

Statistics, softmax, modulation, dt, decay and state are float32 at least (float64 in a float64 model); matrix products
run in the weights' type, or in autocast's.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def at_least_f32(x):
    """x itself in float32 or float64, else as float32."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def compute_dtype(x):
    """The type in which matrix products of x run: autocast's if it is on, else x's own."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


def f32_region(x):
    """A context in which autocast leaves types alone."""
    return torch.autocast(x.device.type, enabled=False)


class Permute(torch.autograd.Function):
    """Rows of x [n, d] in the order of `index`, a permutation; the gradient goes back through `inverse`.

    (The gradient of a plain index_select is an index_add, which is slow and knows nothing of permutations.)
    """

    @staticmethod
    def forward(ctx, x, index, inverse):
        ctx.save_for_backward(inverse)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx, grad):
        (inverse,) = ctx.saved_tensors
        return grad.contiguous().index_select(0, inverse), None, None


def modulated_norm(x, shift, scale):
    """LayerNorm without affine (eps 1e-6), then * (1 + scale) + shift.  x [b, n, d]; shift, scale [b, d]."""
    normed = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    dtype = x.dtype
    out = torch.addcmul(shift[:, None].to(dtype), normed, (1 + scale[:, None]).to(dtype))
    return out.to(compute_dtype(x))


def gated_sum(x, gate, branch):
    """x + gate * branch.  x, branch [b, n, d]; gate [b, d]."""
    return torch.addcmul(x, gate[:, None].to(x.dtype), branch.to(x.dtype))


class NormWeight(nn.Module):
    """The weight of an RMSNorm, under its checkpoint name."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


def rms_norm(x, weight, eps):
    """RMSNorm over the last axis, statistics in float32."""
    wide = at_least_f32(x)
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


class _GatedNorm(torch.autograd.Function):
    """RMSNorm(y * SiLU(z)) * weight over rows, in blocks of rows small enough that their float32 values stay in cache."""

    _BLOCK_ELEMENTS = 1 << 18

    @staticmethod
    def forward(ctx, y, z, weight, eps):
        ctx.save_for_backward(y, z, weight)
        ctx.eps = eps
        out = torch.empty_like(y)
        for rows in _GatedNorm._blocks(y):
            gated = at_least_f32(y[rows] * F.silu(z[rows]))
            scale = torch.rsqrt(gated.square().mean(-1, keepdim=True) + eps)
            out[rows] = gated.mul_(scale).mul_(weight)
        return out

    @staticmethod
    def backward(ctx, grad):
        y, z, weight = ctx.saved_tensors
        grad_y, grad_z, grad_weight = torch.empty_like(y), torch.empty_like(z), torch.zeros_like(weight)
        for rows in _GatedNorm._blocks(y):
            wide_y, wide_z, wide_grad = (at_least_f32(part[rows]) for part in (y, z, grad))
            sigmoid = torch.sigmoid(wide_z)
            silu = wide_z * sigmoid
            gated = wide_y * silu
            scale = torch.rsqrt(gated.square().mean(-1, keepdim=True) + ctx.eps)
            normed = gated * scale
            grad_weight += (wide_grad * normed).sum(0)
            slope = wide_grad * weight
            slope = (slope - normed * (slope * normed).mean(-1, keepdim=True)) * scale
            grad_y[rows] = slope * silu
            grad_z[rows] = slope * wide_y * (sigmoid + silu * (1 - sigmoid))
        return grad_y, grad_z, grad_weight, None

    @staticmethod
    def _blocks(y):
        step = max(1, _GatedNorm._BLOCK_ELEMENTS // y.shape[1])
        return [slice(start, start + step) for start in range(0, y.shape[0], step)]


def gated_rms_norm(y, z, weight, eps):
    """RMSNorm(y * SiLU(z)) * weight: gate first, then one norm over the last axis.  y, z [b, n, di]"""
    return _GatedNorm.apply(y.flatten(0, 1), z.flatten(0, 1), weight, eps).view(y.shape)


def split_heads(x, heads):
    """[b, n, heads*c] -> [b, heads, n, c], a view."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attention(q, k, v, mask=None):
    """Softmax attention.  q [b, heads, n, c]; k, v [b, heads, m, c]; mask: true = keep, or a bias -> [b, n, heads*c]"""
    dtype = q.dtype
    if q.requires_grad and dtype == torch.bfloat16 and q.device.type == "cpu":
        q, k, v = q.float(), k.float(), v.float()      # the BF16 gradient is slower than the float32 one on CPUs
        if mask is not None and mask.is_floating_point():
            mask = mask.float()
    with f32_region(q):
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)                 # [b, heads, n, c]
    return out.transpose(1, 2).flatten(2).to(dtype)


class TimeEmbedding(nn.Module):
    """Sinusoid of 1000 t, cosines first, 256 wide; Linear, SiLU, Linear.  t [b] -> [b, d], float32 at least."""

    WIDTH = 256

    def __init__(self, d):
        super().__init__()
        self.fc1 = nn.Linear(self.WIDTH, d)
        self.fc2 = nn.Linear(d, d)

    def forward(self, t):
        half = self.WIDTH // 2
        frequency = torch.exp(-math.log(10000.0) * torch.arange(half, device=t.device, dtype=torch.float64) / half)
        angle = 1000.0 * t.double()[:, None] * frequency
        wave = torch.cat([angle.cos(), angle.sin()], -1).to(self.fc1.weight.dtype)    # [b, 256]
        return self.fc2(F.silu(self.fc1(wave)))


class PositionEmbedding(nn.Module):
    """Learned tables for t, h and w, summed.  grid (T, H, W) -> [T*H*W, d]."""

    def __init__(self, max_grid, d):
        super().__init__()
        self.max_grid = tuple(max_grid)
        self.t, self.h, self.w = (nn.Parameter(torch.randn(n, d) * 0.02) for n in max_grid)

    def forward(self, grid):
        if any(n > m for n, m in zip(grid, self.max_grid)):
            raise ValueError(f"token grid: found {tuple(grid)}, expected at most max_grid {self.max_grid} on each axis")
        T, H, W = grid
        return (self.t[:T, None, None] + self.h[:H, None] + self.w[:W]).flatten(0, 2)


class FullAttention(nn.Module):
    """Self-attention over all tokens (the DiT baseline).  [b, n, d] -> [b, n, d]."""

    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)

    def forward(self, u):
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(u).chunk(3, -1))
        return self.proj(attention(q, k, v))


class CrossAttention(nn.Module):
    """Attention from video tokens to text tokens; the text's keys and values are computed once by `keys_values`."""

    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(d, d)
        self.kv = nn.Linear(d, 2 * d)
        self.proj = nn.Linear(d, d)

    def keys_values(self, text):
        """text [b, Lt, d] -> keys, values [b, heads, Lt, c]."""
        k, v = self.kv(text).chunk(2, -1)
        return split_heads(k, self.heads), split_heads(v, self.heads)

    def forward(self, x, keys_values, mask):
        """x [b, n, d]; mask [b, 1, 1, Lt] (true = keep) or None."""
        q = split_heads(self.q(x.to(compute_dtype(x))), self.heads)
        k, v = keys_values
        return self.proj(attention(q, k, v, mask))


class FeedForward(nn.Module):
    """d -> ffn_dim, GELU(tanh), -> d."""

    def __init__(self, d, ffn_dim):
        super().__init__()
        self.fc1 = nn.Linear(d, ffn_dim)
        self.fc2 = nn.Linear(ffn_dim, d)

    def forward(self, u):
        return self.fc2(F.gelu(self.fc1(u), approximate="tanh"))
