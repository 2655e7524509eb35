"""TEmporal Swin Attention: full self-attention inside small 3-D windows, shifted on odd layers.

Cells are cut, not rolled: border cells are simply smaller. That equals masked cyclic Swin.
"""

from functools import lru_cache
from itertools import product
import math

import torch
from torch import nn

from .layers import NormWeight, Permute, attention, rms_norm


def cuts(n, window, shifted):
    """The borders of an axis' cells: {0, s, s+w, s+2w, .., n}, s = w // 2 if shifted, else w."""
    if n <= window:
        return [0, n]
    first = window // 2 if shifted and window > 1 else window
    return [0, *range(first, n, window), n]


@lru_cache(maxsize=128)
def cells(grid, window, shifted):
    """{cell shape: token indices [cells, tokens a cell]} of a token grid (T, H, W)."""
    tokens = torch.arange(math.prod(grid)).view(grid)
    borders = [cuts(n, w, shifted) for n, w in zip(grid, window)]
    by_shape = {}
    for (t0, t1), (h0, h1), (w0, w1) in product(*(list(zip(b, b[1:])) for b in borders)):
        cell = tokens[t0:t1, h0:h1, w0:w1]
        by_shape.setdefault(tuple(cell.shape), []).append(cell.flatten())
    return {shape: torch.stack(group) for shape, group in by_shape.items()}


@lru_cache(maxsize=128)
def cell_order(grid, window, shifted, batch, device):
    """Rows of [batch * tokens] grouped by cell shape, the inverse, and (shape, number of rows) of each group; on the device."""
    start = torch.arange(batch)[:, None, None] * math.prod(grid)
    groups = {shape: (start + index).flatten() for shape, index in cells(grid, window, shifted).items()}
    order = torch.cat(list(groups.values()))
    return order.to(device), torch.argsort(order).to(device), [(shape, len(rows)) for shape, rows in groups.items()]


class TemporalSwinAttention(nn.Module):
    """u [b, T*H*W, d] -> [b, T*H*W, d]"""

    QK_NORM_EPS = 1e-6

    def __init__(self, config, d, heads, shifted):
        super().__init__()
        self.window, self.shifted, self.heads = config.window, shifted, heads
        self.qkv = nn.Linear(d, 3 * config.inner_dim)
        self.proj = nn.Linear(config.inner_dim, d)
        if config.qk_norm:
            self.q_norm = NormWeight(config.inner_dim // heads)
            self.k_norm = NormWeight(config.inner_dim // heads)
        self.qk_norm = config.qk_norm
        offsets = math.prod(2 * w - 1 for w in config.window)
        self.position_bias = nn.Parameter(torch.randn(heads, offsets) * 0.02) if config.position_bias else None

    def forward(self, u, grid):
        batch, tokens, _ = u.shape
        order, inverse, groups = cell_order(tuple(grid), self.window, self.shifted, batch, u.device)
        qkv = self.qkv(Permute.apply(u.flatten(0, 1), order, inverse))                # [b*N, 3*inner]
        outputs = []
        for shape, rows in zip((s for s, _ in groups), qkv.split([n for _, n in groups])):
            rows = rows.view(-1, math.prod(shape), 3, self.heads, qkv.shape[-1] // (3 * self.heads))
            q, k, v = rows.permute(2, 0, 3, 1, 4)                                     # [cells, heads, tokens, c]
            if self.qk_norm:
                q = rms_norm(q, self.q_norm.weight, self.QK_NORM_EPS)
                k = rms_norm(k, self.k_norm.weight, self.QK_NORM_EPS)
            bias = None if self.position_bias is None else self._bias(shape).to(q.dtype)
            outputs.append(attention(q, k, v, bias).flatten(0, 1))
        out = self.proj(torch.cat(outputs))
        return Permute.apply(out, inverse, order).unflatten(0, (batch, tokens))

    def _bias(self, shape):
        """The relative-position table's entries for a cell: [heads, tokens, tokens], row q, column k."""
        place = torch.cartesian_prod(*(torch.arange(n) for n in shape)).view(-1, 3)
        offset = place[:, None] - place[None] + torch.tensor(self.window) - 1         # [tokens, tokens, 3]
        _, sh, sw = (2 * w - 1 for w in self.window)
        index = (offset[..., 0] * sh + offset[..., 1]) * sw + offset[..., 2]
        return self.position_bias[:, index.to(self.position_bias.device)]
