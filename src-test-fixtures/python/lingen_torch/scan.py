"""Rotary-Major Scan and review tokens: from the token grid to the sequence that the state space model reads."""

from functools import lru_cache

import torch
import torch.nn.functional as F

from .layers import Permute, at_least_f32

_AXES = {"t": 0, "h": 1, "w": 2}


def layer_order(config, layer):
    """The axis order of a layer, last axis fastest, e.g. 'thw'."""
    return "thw" if config.scan == "fixed" else config.scan_orders[layer % len(config.scan_orders)]


def flatten(u, order, zigzag=False):
    """[b, T, H, W, d] -> [b, T*H*W, d], tokens in scan order."""
    axes = [_AXES[a] for a in order]
    sequence = u.permute(0, *(1 + a for a in axes), 4).flatten(1, 3)
    if zigzag:
        index, inverse = zigzag_permutation(tuple(u.shape[1 + a] for a in axes))
        sequence = _permute(sequence, index, inverse)
    return sequence


def unflatten(sequence, grid, order, zigzag=False):
    """The inverse of `flatten`: [b, T*H*W, d] -> [b, T*H*W, d], tokens in (t, h, w) order."""
    axes = [_AXES[a] for a in order]
    sizes = tuple(grid[a] for a in axes)
    if zigzag:
        index, inverse = zigzag_permutation(sizes)
        sequence = _permute(sequence, inverse, index)
    back = [1 + axes.index(a) for a in range(3)]
    return sequence.unflatten(1, sizes).permute(0, *back, 4).flatten(1, 3)


@lru_cache(maxsize=256)
def zigzag_permutation(sizes):
    """Boustrophedon over a grid (a, b, c), c fastest: (positions in row-major order as they are visited, its inverse).

    Every second row (counted over the whole grid) runs backwards in c and every second plane backwards in b, so
    consecutive tokens always are neighbors in the grid.
    """
    na, nb, nc = sizes
    index = []
    for a in range(na):
        for j in range(nb):
            b = j if a % 2 == 0 else nb - 1 - j
            row = (a * nb + b) * nc
            positions = range(row, row + nc)
            index.extend(positions if (a * nb + j) % 2 == 0 else reversed(positions))
    index = torch.tensor(index)
    return index, torch.argsort(index)


def _permute(sequence, index, inverse):
    batch, n, _ = sequence.shape
    start = torch.arange(batch)[:, None] * n
    rows, back = ((start + i).flatten().to(sequence.device) for i in (index, inverse))
    return Permute.apply(sequence.flatten(0, 1), rows, back).unflatten(0, (batch, n))


def review_tokens(u, pool):
    """Average pooling, kernel = stride = pool; ragged edges are averaged over the cells that exist.

    u [b, T, H, W, d] -> [b, ceil(T/pt), ceil(H/ph), ceil(W/pw), d]
    """
    sizes, dtype = u.shape[1:4], u.dtype
    u = F.pad(at_least_f32(u), (0, 0, *(right for n, p in zip(sizes[::-1], pool[::-1]) for right in (0, -n % p))))
    count = torch.ones(1, device=u.device, dtype=u.dtype)
    for axis, (n, p) in enumerate(zip(sizes, pool)):
        u = u.unflatten(1 + axis, (-1, p)).sum(2 + axis)
        starts = torch.arange(0, n, p, device=u.device)
        count = count[..., None] * (n - starts).clamp(max=p)                          # cells that exist
    return (u / count[0, ..., None]).to(dtype)
