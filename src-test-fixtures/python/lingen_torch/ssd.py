"""The state space scan of Mamba2 in its chunked (SSD) form, on matrix products, in either direction.

    h_l = exp(dt_l A) h_{l-1} + dt_l x_l (x) B_l        y_l = h_l . C_l + D x_l        per head

Letters: b batch, L tokens, H heads of width P, G groups of B and C (head h uses group h // (H/G)), n state size,
Q chunk size, c chunks. dt, its sums, exponentials and the states are float32 at least; the products of x, B and C run
in the type of x. The result does not depend on Q.
"""

import torch
from torch import nn
import torch.nn.functional as F

from .layers import at_least_f32, f32_region

# Elements of the [c, H, Q, Q] decay matrix that one pass over chunks may hold: bounds memory and keeps it in cache.
_SEGMENT_ELEMENTS = 1 << 21
_SEGMENT_CHUNKS = 32


def ssd(x, dt, A, B, C, D, chunk_size, state=None, reverse=False):
    """Scans a sequence; with `reverse` from its last token to its first.

    x [b, L, H, P]; dt [b, L, H] positive; A [H] negative; B, C [b, L, G, n]; D [H];
    state [b, G, n, (H/G)*P] or None (zero): what the scan starts from.  -> y [b, L, H, P]
    """
    with f32_region(x):
        batch, length, heads, width = x.shape
        groups, n = B.shape[2:]
        if state is None:
            state = dt.new_zeros(batch, groups, n, heads // groups * width)
        outputs = []
        segments = _segments(length, chunk_size, batch * heads)
        for start, end, chunk in reversed(segments) if reverse else segments:
            part = slice(start, end)
            y, state = _segment(x[:, part], dt[:, part], A, B[:, part], C[:, part], D, state, chunk, reverse)
            outputs.append(y)
        if reverse:
            outputs.reverse()
        return torch.cat(outputs, 1) if len(outputs) > 1 else outputs[0]


def final_state(x, dt, A, B):
    """The state after a sequence, without its outputs.  Shapes as in `ssd`; -> [b, G, n, (H/G)*P]"""
    with f32_region(x):
        a = dt * A
        after = a.flip(1).cumsum(1).flip(1) - a                                       # sum over the later tokens
        weighted = (x * (dt * after.exp())[..., None]).to(x.dtype)
        groups = B.shape[2]
        rows = weighted.unflatten(2, (groups, -1)).flatten(3).transpose(1, 2)         # [b, G, L, Hg*P]
        return at_least_f32(B.permute(0, 2, 3, 1) @ rows)


def _segments(length, chunk_size, planes):
    """(start, end, chunk) of runs of whole chunks, then the ragged rest as one shorter chunk."""
    chunks = max(1, min(_SEGMENT_CHUNKS, _SEGMENT_ELEMENTS // (planes * chunk_size * chunk_size)))
    whole = length // chunk_size * chunk_size
    step = chunks * chunk_size
    segments = [(start, min(start + step, whole), chunk_size) for start in range(0, whole, step)]
    if whole < length:
        segments.append((whole, length, length - whole))
    return segments


def _segment(x, dt, A, B, C, D, state, Q, reverse):
    """One run of c chunks of Q tokens: its outputs and the state that it leaves."""
    dtype = x.dtype
    groups = B.shape[2]
    xdt = (x * dt[..., None]).to(dtype).unflatten(1, (-1, Q))                         # [b, c, Q, H, P]
    a = (dt * A).unflatten(1, (-1, Q))                                                # [b, c, Q, H]
    B, C = (part.unflatten(1, (-1, Q)).transpose(2, 3) for part in (B, C))            # [b, c, G, Q, n]
    s = a.flip(2).cumsum(2).flip(2) if reverse else a.cumsum(2)                       # includes the token itself
    total = s[:, :, 0] if reverse else s[:, :, -1]                                    # [b, c, H]

    # Inside a chunk: Y_i = sum over j up to i of (C_i . B_j) exp(s_i - s_j) dt_j x_j
    rows = s.transpose(2, 3).contiguous()                                             # [b, c, H, Q]
    scores = C @ B.transpose(-1, -2)                                                  # [b, c, G, Q, Q]
    mixing = _Mixing.apply(rows, scores.triu() if reverse else scores.tril())         # [b, c, H, Q, Q]
    y = (mixing @ xdt.transpose(2, 3)).transpose(2, 3)                                # [b, c, Q, H, P]

    # What each chunk adds to the state, the states that the chunks start from, and what those add to Y
    to_end = (total[:, :, None] - s).exp().to(dtype)
    weighted = (xdt * to_end[..., None]).unflatten(3, (groups, -1)).flatten(4).transpose(2, 3)
    added = at_least_f32(B.transpose(-1, -2) @ weighted)                              # [b, c, G, n, Hg*P]
    starts, state = _chunk_states(added, total, state, reverse)
    carried = (C @ starts.to(dtype)).transpose(2, 3).reshape(xdt.shape)               # [b, c, Q, H, P]
    y = torch.addcmul(y, carried, s.exp().to(dtype)[..., None]).flatten(1, 2)         # [b, c*Q, H, P]
    return torch.addcmul(y, x, D.to(dtype)[:, None]), state


class _Mixing(torch.autograd.Function):
    """exp(s_i - s_j) * scores_ij.  s [b, c, H, Q]; scores [b, c, G, Q, Q], zero where j may not reach i.

    Where j may reach i the exponent is never positive, so the clamp changes nothing there and elsewhere keeps exp from
    overflowing. The plain graph of these five operations would keep and walk three float32 tensors of the result's size.
    """

    @staticmethod
    def forward(ctx, s, scores):
        decay = (s[..., :, None] - s[..., None, :]).clamp_(max=0).exp_().to(scores.dtype)
        ctx.save_for_backward(decay, scores)
        return (decay.unflatten(2, (scores.shape[2], -1)) * scores.unsqueeze(3)).flatten(2, 3)

    @staticmethod
    def backward(ctx, grad):
        decay, scores = ctx.saved_tensors
        groups = scores.shape[2]
        grad = (grad * decay).unflatten(2, (groups, -1))                              # [b, c, G, Hg, Q, Q]
        flow = (grad * scores.unsqueeze(3)).flatten(2, 3)
        wide = at_least_f32(flow[..., 0, 0]).dtype
        return flow.sum(-1, dtype=wide) - flow.sum(-2, dtype=wide), grad.sum(3)


def _chunk_states(added, total, state, reverse):
    """The recurrence over chunks, as one small lower-triangular product.

    added [b, c, G, n, Hg*P]; total [b, c, H]; state [b, G, n, Hg*P]
    -> the state that each chunk starts from [b, c, G, n, Hg*P], the state after the last one.
    """
    if reverse:
        added, total = added.flip(1), total.flip(1)
    batch, c, groups, n, _ = added.shape
    heads = total.shape[2]
    # weight[k, j] = exp(total of the chunks j .. k-1): what is left at k of the state before chunk j, or added by j-1.
    span = total.transpose(1, 2)[:, :, :, None].expand(-1, -1, -1, c + 1)             # [b, H, c, c+1]
    lower = torch.ones(c, c + 1, dtype=torch.bool, device=total.device).tril()
    sums = F.pad(span.masked_fill(~lower, 0).cumsum(2), (0, 0, 1, 0))                 # [b, H, c+1, c+1]
    lower = torch.ones(c + 1, c + 1, dtype=torch.bool, device=total.device).tril()
    weight = sums.masked_fill(~lower, -torch.inf).exp()
    sources = torch.cat([state[:, None], added], 1)                                   # [b, c+1, G, n, Hg*P]
    sources = sources.unflatten(4, (heads // groups, -1)).permute(0, 2, 4, 1, 3, 5)
    width = sources.shape[-1]
    states = (weight @ sources.reshape(batch, heads, c + 1, n * width)).unflatten(3, (n, width))
    states = states.unflatten(1, (groups, -1)).permute(0, 3, 1, 4, 2, 5).flatten(4)
    starts, last = states[:, :c], states[:, c]
    return (starts.flip(1) if reverse else starts), last


class DepthwiseConv(nn.Module):
    """Causal depthwise convolution over the sequence, with bias; tap d_conv - 1 is the current token."""

    def __init__(self, channels, d_conv):
        super().__init__()
        bound = d_conv ** -0.5
        self.weight = nn.Parameter(torch.empty(channels, d_conv).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, x, channels=slice(None), left=None, reverse=False):
        """x [b, L, c], for these channels of the weight; the zero padding starts with `left` [b, m, c] if given.

        With `reverse` the convolution looks at the later tokens instead of the earlier ones.
        """
        weight, bias = self.weight[channels].to(x.dtype), self.bias[channels].to(x.dtype)
        history = self.weight.shape[1] - 1
        if reverse:
            x = F.pad(x, (0, 0, 0, history))
            weight = weight.flip(1)
        elif left is None or history == 0:
            x = F.pad(x, (0, 0, history, 0))
        else:
            tail = left[:, -history:]
            x = torch.cat([F.pad(tail, (0, 0, history - tail.shape[1], 0)), x], 1)
        return _Depthwise.apply(x, weight, bias)


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution of x [b, L + K - 1, C] with weight [C, K], no padding: y_l = bias + sum_k weight_k x_{l+k}.

    Runs as a 2-D convolution over a channels-last image of height 1: oneDNN's fast kernel without any transposition.
    The same kernel gives the gradient of x; the library's own backward pass is twenty times slower here.
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return _Depthwise._convolve(x, weight, bias)

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        taps, length = weight.shape[1], grad.shape[1]
        padded = F.pad(grad, (0, 0, taps - 1, taps - 1))
        grad_weight = [(grad * x[:, k:k + length]).sum((0, 1)) for k in range(taps)]
        return _Depthwise._convolve(padded, weight.flip(1), None), torch.stack(grad_weight, 1), grad.sum((0, 1))

    @staticmethod
    def _convolve(x, weight, bias):
        with f32_region(x):
            image = x.transpose(1, 2)[:, :, None]
            return F.conv2d(image, weight[:, None, None], bias, groups=weight.shape[0])[:, :, 0].transpose(1, 2)
