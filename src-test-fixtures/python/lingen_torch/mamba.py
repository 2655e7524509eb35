"""The MA-branch's state space models: bidirectional Mamba2 and, for the ablation, bidirectional Mamba1.

Each takes the tokens u [b, L, d] in scan order and the review tokens [b, R, d] in the same order, or None. Review
tokens stand in front of u: the forward direction starts from the state and the last d_conv - 1 rows that they leave;
the backward direction would reach them last, so it runs on u alone. Only u's positions are returned.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .layers import NormWeight, at_least_f32, f32_region, gated_rms_norm
from .ssd import DepthwiseConv, final_state, ssd

_NORM_EPS = 1e-5


def _initial_dt_bias(count):
    """softplus^-1 of step sizes spread log-uniformly over [0.001, 0.1], as in public Mamba2."""
    dt = torch.exp(torch.rand(count) * math.log(100.0) + math.log(0.001))
    return dt + torch.log(-torch.expm1(-dt))


class Direction(nn.Module):
    """What one direction of a Mamba2 has for itself: convolution over [x, B, C], dt bias, A, D."""

    def __init__(self, config, inner):
        super().__init__()
        heads = inner // config.head_dim
        self.inner, self.groups, self.chunk_size = inner, config.n_groups, config.chunk_size
        self.conv = DepthwiseConv(inner + 2 * config.n_groups * config.d_state, config.d_conv)
        self.dt_bias = nn.Parameter(_initial_dt_bias(heads))
        self.A_log = nn.Parameter(torch.log(torch.empty(heads).uniform_(1, 16)))
        self.D = nn.Parameter(torch.ones(heads))

    def forward(self, x, bc, dt, review=None, reverse=False):
        """x [b, L, di]; bc [b, L, 2Gn] (B, then C); dt [b, L, H]; review: the same three of the review tokens."""
        left_x = left_bc = state = None
        if review is not None:
            left_x, left_bc, review_dt = review
            state = final_state(*self._inputs(left_x, left_bc, review_dt)[:4])
        xs, dts, A, B, C = self._inputs(x, bc, dt, left_x, left_bc, reverse)
        return ssd(xs, dts, A, B, C, self.D, self.chunk_size, state, reverse).flatten(2)

    def _inputs(self, x, bc, dt, left_x=None, left_bc=None, reverse=False):
        heads = self.A_log.shape[0]
        # The convolution is depthwise, so x and [B, C] need not be copied side by side.
        x = F.silu(self.conv(x, slice(0, self.inner), left_x, reverse)).unflatten(2, (heads, -1))
        bc = F.silu(self.conv(bc, slice(self.inner, None), left_bc, reverse)).unflatten(2, (2, self.groups, -1))
        dt = F.softplus(at_least_f32(dt) + self.dt_bias)
        return x, dt, -at_least_f32(self.A_log).exp(), bc[:, :, 0], bc[:, :, 1]


class BidirectionalMamba2(nn.Module):
    """One in_proj and one out_proj for both directions; their sum is gated and normed once.

    `tied`: both directions use `fwd`, and one set of B, C, dt.
    """

    def __init__(self, config, d, tied=False):
        super().__init__()
        inner = config.expand * d
        pair, heads = 2 * config.n_groups * config.d_state, inner // config.head_dim
        self.tied = tied
        self.sizes = [inner, inner, pair, heads] if tied else [inner, inner, pair, pair, heads, heads]
        self.in_proj = nn.Linear(d, sum(self.sizes), bias=False)
        self.fwd = Direction(config, inner)
        if not tied:
            self.bwd = Direction(config, inner)
        self.norm = NormWeight(inner)
        self.out_proj = nn.Linear(inner, d, bias=False)

    def forward(self, u, review=None):
        parts = self.in_proj(u).split(self.sizes, -1)
        if self.tied:
            z, x, bc_f, dt_f = parts
            bc_b, dt_b, backward = bc_f, dt_f, self.fwd
        else:
            z, x, bc_f, bc_b, dt_f, dt_b = parts
            backward = self.bwd
        y = self.fwd(x, bc_f, dt_f, self._review(review)) + backward(x, bc_b, dt_b, reverse=True)
        return self.out_proj(gated_rms_norm(y, z, self.norm.weight, _NORM_EPS))

    def _review(self, review):
        """x, [B, C] and dt of the forward direction for the review tokens: their z and backward rows are never used."""
        if review is None:
            return None
        rows = self.in_proj.weight.split(self.sizes)
        rows = [rows[1], rows[2], rows[3 if self.tied else 4]]
        return F.linear(review, torch.cat(rows)).split([r.shape[0] for r in rows], -1)


class Mamba2(Direction):
    """One whole Mamba2, one direction."""

    def __init__(self, config, d):
        inner = config.expand * d
        super().__init__(config, inner)
        self.sizes = [inner, inner, 2 * config.n_groups * config.d_state, inner // config.head_dim]
        self.in_proj = nn.Linear(d, sum(self.sizes), bias=False)
        self.norm = NormWeight(inner)
        self.out_proj = nn.Linear(inner, d, bias=False)

    def forward(self, u, review=None, reverse=False):
        z, *parts = self.in_proj(u).split(self.sizes, -1)
        if review is not None:
            rows = self.sizes[0]
            review = F.linear(review, self.in_proj.weight[rows:]).split(self.sizes[1:], -1)
        y = super().forward(*parts, review, reverse)
        return self.out_proj(gated_rms_norm(y, z, self.norm.weight, _NORM_EPS))


class IndependentMamba2(nn.Module):
    """Two whole Mamba2 modules, one a direction, summed."""

    def __init__(self, config, d):
        super().__init__()
        self.fwd = Mamba2(config, d)
        self.bwd = Mamba2(config, d)

    def forward(self, u, review=None):
        return self.fwd(u, review) + self.bwd(u, reverse=True)


class Mamba1Direction(nn.Module):
    """One direction of a Mamba1: convolution over x, input-dependent dt, B and C, a diagonal state per channel."""

    def __init__(self, config, inner, dt_rank):
        super().__init__()
        self.sizes = [dt_rank, config.d_state, config.d_state]
        self.conv = DepthwiseConv(inner, config.d_conv)
        self.x_proj = nn.Linear(inner, sum(self.sizes), bias=False)
        self.dt_proj = nn.Linear(dt_rank, inner)
        nn.init.uniform_(self.dt_proj.weight, -dt_rank ** -0.5, dt_rank ** -0.5)
        self.dt_proj.bias = nn.Parameter(_initial_dt_bias(inner))
        self.A_log = nn.Parameter(torch.log(torch.arange(1, config.d_state + 1).float()).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))

    def forward(self, x, review=None, reverse=False):
        state = None
        if review is not None:
            state = self._scan(self._inputs(review), None, False)[1]
        inputs = self._inputs(x, review, reverse)
        y, _ = self._scan(inputs, state, reverse)
        return torch.addcmul(y, inputs[0], self.D.to(x.dtype))

    def _inputs(self, x, left=None, reverse=False):
        x = F.silu(self.conv(x, left=left, reverse=reverse))
        low, B, C = self.x_proj(x).split(self.sizes, -1)
        with f32_region(x):
            weight = self.dt_proj.weight
            dt = F.softplus(F.linear(low.to(weight.dtype), weight) + self.dt_proj.bias)
        return x, at_least_f32(dt), at_least_f32(B), at_least_f32(C)

    def _scan(self, inputs, state, reverse):
        """h = exp(dt A) h + dt B x, y = h . C, token by token."""
        x, dt, B, C = inputs
        with f32_region(x):
            A = -at_least_f32(self.A_log).exp()                                       # [di, n]
            dtx = dt * x
            if state is None:
                state = dt.new_zeros(x.shape[0], *A.shape)                            # [b, di, n]
            outputs = [None] * x.shape[1]
            for l in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
                state = (dt[:, l, :, None] * A).exp() * state + dtx[:, l, :, None] * B[:, l, None]
                outputs[l] = (state @ C[:, l, :, None])[..., 0]
            return torch.stack(outputs, 1).to(x.dtype), state


class BidirectionalMamba1(nn.Module):
    """Mamba1 in both directions with one in_proj (rows z, x), one gate, norm and out_proj: comparable to Mamba2's."""

    def __init__(self, config, d):
        super().__init__()
        inner = config.expand * d
        dt_rank = math.ceil(d / 16)
        self.in_proj = nn.Linear(d, 2 * inner, bias=False)
        self.fwd = Mamba1Direction(config, inner, dt_rank)
        self.bwd = Mamba1Direction(config, inner, dt_rank)
        self.norm = NormWeight(inner)
        self.out_proj = nn.Linear(inner, d, bias=False)

    def forward(self, u, review=None):
        z, x = self.in_proj(u).chunk(2, -1)
        if review is not None:
            review = F.linear(review, self.in_proj.weight[x.shape[-1]:])
        y = self.fwd(x, review) + self.bwd(x, reverse=True)
        return self.out_proj(gated_rms_norm(y, z, self.norm.weight, _NORM_EPS))


def mamba(config, d):
    """The state space model that a MambaConfig describes."""
    if config.variant == "mamba1":
        return BidirectionalMamba1(config, d)
    if config.directions == "independent":
        return IndependentMamba2(config, d)
    return BidirectionalMamba2(config, d, tied=config.directions == "tied")
