"""Splits frames into the background and the objects' colors, with the share of each pixel that an object covers.

Everything lives on a torus, as the drawn world does: what leaves one side enters at the opposite one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from world.render import BACKGROUNDS, COLOURS, background_image

NAMES = tuple(COLOURS)
PALETTE = np.array(list(COLOURS.values()), np.float32)
# The smallest object, a star of radius 0.10, covers 0.0165 of the frame.
SMALLEST = 0.005
# Two colors of the palette are at least 89 apart; parts that differ less are one object with a gradient.
SAME_COLOUR = 50.0
ONES = np.ones((3, 1), np.float32)


@dataclass(frozen=True)
class Layers:
    """`cover[f, y, x]`: how much of the pixel the object `label[f, y, x]` covers (label -1: the background)."""

    colours: tuple[str, ...]
    label: np.ndarray
    cover: np.ndarray

    def mask(self, index: int) -> np.ndarray:
        return (self.label == index) & (self.cover > 0.5)


_bare = lru_cache(maxsize=16)(background_image)


def background_errors(frames: np.ndarray) -> np.ndarray:
    """[F, backgrounds]: the mean distance of each frame from each background, where objects can't count for much."""
    errors = [np.minimum(np.abs(frames.astype(np.float32) - _bare(name, frames.shape[1])).mean(-1), 40).mean((1, 2))
              for name in BACKGROUNDS]
    return np.stack(errors, 1)


def _blur(image: np.ndarray) -> np.ndarray:
    """A 3x3 mean over the last two axes."""
    rows = image + np.roll(image, 1, -2) + np.roll(image, -1, -2)
    return (rows + np.roll(rows, 1, -1) + np.roll(rows, -1, -1)) / 9


def background_of(frames: np.ndarray) -> str:
    """The background that differs least, or "none" if not even that one resembles half of the frame."""
    some = frames[np.linspace(0, len(frames) - 1, min(len(frames), 9)).astype(int)]
    middle = np.median(some, 0)[None]
    best = int(background_errors(middle)[0].argmin())
    if np.median(np.abs(middle[0] - _bare(BACKGROUNDS[best], frames.shape[1])).mean(-1)) > 20:
        return "none"
    if BACKGROUNDS[best] in ("black", "night sky"):
        # Passing objects leave a trail in the median that may resemble stars; in the lower quartile they leave less.
        return "night sky" if _has_stars(np.quantile(some, 0.25, axis=0)) else "black"
    return BACKGROUNDS[best]


def _has_stars(image: np.ndarray) -> bool:
    """Are the fixed stars there? Decoders may dim them to a tenth, so their pattern counts more than their light.

    Outside of bright objects and their surroundings, after a blur. Of the clips looked at, black ones correlated with the pattern by
    0.05 at most, true night skies by 0.86 or more, and decoded ones by 0.14 or more but for one in thirteen.
    """
    stars = _blur(_bare("night sky", image.shape[0])[..., 0])
    light = _blur(np.minimum(image.min(-1), 140))
    free = (_blur(_blur(_blur((image.max(-1) > 145).astype(np.float32)))) == 0).astype(np.float32)
    share = max(free.sum(), 1)
    stars, light = (stars - (stars * free).sum() / share) * free, (light - (light * free).sum() / share) * free
    both, power = (stars * light).sum(), max((stars * stars).sum(), 1e-6)
    return bool(both / power > 0.05 and both / np.sqrt(power * max((light * light).sum(), 1e-6)) > 0.1)


def _shares(difference: np.ndarray, under: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For pixels that lie between their background and each color: covered share [N, colors] and squared error."""
    # Written with products of matrices: sums over three channels are slow in numpy.
    along = difference @ colours.T - (difference * under) @ ONES
    power = (colours * colours) @ ONES.T[0] - 2 * under @ colours.T + (under * under) @ ONES
    share = np.clip(along / power, 0, 1)
    return share, (difference * difference) @ ONES - share * (2 * along - share * power)


def _core(label: np.ndarray) -> np.ndarray:
    """Labels whose four neighbors have the same label; -1 elsewhere."""
    same = label >= 0
    for axis in (1, 2):
        for step in (1, -1):
            same &= np.roll(label, step, axis) == label
    return np.where(same, label, -1)


def layers_of(frames: np.ndarray, background: str) -> Layers:
    """frames [F, side, side, 3] uint8 -> the colors that are seen, the largest first, and where."""
    bare = _bare(background if background != "none" else "black", frames.shape[1])
    apart = frames - bare
    far = np.abs(apart) > 24
    where = np.nonzero(far[..., 0] | far[..., 1] | far[..., 2])
    difference, under = apart[where], np.broadcast_to(bare, apart.shape)[where]
    share, error = _shares(difference, under, PALETTE)
    label = np.full(frames.shape[:3], -1, np.int8)
    best = error.argmin(1)
    label[where] = np.where(share[np.arange(len(best)), best] > 0.5, best, -1)
    core = _core(_core(label))
    size = np.stack([(core == i).mean((1, 2)) for i in range(len(PALETTE))], 1)
    found = [i for i in range(len(PALETTE)) if (size[:, i] > SMALLEST / 3).mean() > 0.05]
    found.sort(key=lambda i: -size[:, i].mean())
    found = _merge(frames, core, found)
    cover = np.zeros(label.shape, np.float32)
    label[:] = -1
    if found:
        owner, kept = _assign(difference, under, share[:, found], error[:, found], PALETTE[found])
        label[where], cover[where] = owner, kept
    layers = Layers(tuple(NAMES[i] for i in found), label, cover)
    for index in range(len(found) - 1, 0, -1):
        _absorb(layers, index)
    return layers


def _absorb(layers: Layers, index: int) -> None:
    """Gives a color that is but the fringe of a larger part to that part: thin, beside it all the time."""
    mask = layers.mask(index)
    seen = mask.mean((1, 2)) > SMALLEST / 2
    if not seen.any():
        return
    for other in range(index):
        whole = layers.mask(other)[seen]
        if whole.any((1, 2)).all() and touching(mask[seen], whole).all():
            (middle, spread), (own, reach) = moments(mask[seen]), moments(whole)
            away = np.hypot(*((middle - own + 0.5) % 1 - 0.5).T)
            # 1 for a disc, 1.3 for a ring, about 2 for thin lines.
            scattered = spread * np.sqrt(2 * np.pi / mask[seen].mean((1, 2)))
            if np.median(away / reach) < 1.6 and np.median(scattered) > 1.8 and mask[seen].sum() < 0.2 * whole.sum():
                layers.label[layers.label == index] = other
                return


def _merge(frames: np.ndarray, core: np.ndarray, found: list[int]) -> list[int]:
    """Leaves out a color whose pixels look like those of a larger part: the same object, unevenly colored."""
    kept, medians = [], []
    for i in found:
        pixels = frames[core == i]
        median = np.median(pixels[:: max(1, len(pixels) // 2000)].astype(np.float32), 0)
        if all(np.linalg.norm(median - other) > SAME_COLOUR for other in medians):
            kept.append(i)
            medians.append(median)
    return kept


def _assign(difference, under, share, error, colours):
    """Owner and covered share of each pixel: between the background and a color, or between two colors."""
    rows = np.arange(len(difference))
    owner = error.argmin(1)
    least, kept = error[rows, owner], share[rows, owner]
    for i in range(len(colours)):
        for j in range(i):
            way = colours[i] - colours[j]
            off = difference + under - colours[j]
            mix = np.clip((off @ way) / (way @ way), 0, 1)
            rest = ((off - mix[:, None] * way) ** 2).sum(1)
            # Along an outline on the background a mixture of two colors may fit by chance; a clear gain is asked for.
            better = rest + 100 < least
            owner = np.where(better, np.where(mix > 0.5, i, j), owner)
            kept = np.where(better, np.maximum(mix, 1 - mix), kept)
            least = np.where(better, rest, least)
    return owner, kept


def moments(cover: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Center [F, 2] (x, y) on the torus and root-mean-square radius [F], in units of the side."""
    side = cover.shape[1]
    place = (np.arange(side) + 0.5) / side
    centres, variance = [], 0
    for sums in (cover.sum(1), cover.sum(2)):
        total = np.maximum(sums.sum(1), 1e-9)
        centre = np.angle((sums * np.exp(2j * np.pi * place)).sum(1)) / (2 * np.pi)
        # The circular mean is only a start: around it the plain mean is exact.
        for _ in range(2):
            away = (place - centre[:, None] + 0.5) % 1 - 0.5
            centre = centre + (sums * away).sum(1) / total
        away = (place - centre[:, None] + 0.5) % 1 - 0.5
        variance = variance + (sums * away ** 2).sum(1) / total
        centres.append(centre % 1)
    return np.stack(centres, 1), np.sqrt(variance)


def touching(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[F] bool: whether the object touches, or almost touches, another one."""
    near = others.copy()
    for _ in range(2):
        for axis in (1, 2):
            near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    return (near & mask).any((1, 2))


def pieces(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[F]: in how many pieces the object is seen; pieces that another object may join count as one."""
    half = lambda m: m[:, ::2, ::2] | m[:, 1::2, ::2] | m[:, ::2, 1::2] | m[:, 1::2, 1::2]
    own, whole = half(mask), half(mask | others)
    f, h, w = whole.shape
    name = np.where(whole, np.arange(1, h * w + 1).reshape(1, h, w), 0)
    for _ in range(4 * h):
        grown = name
        for axis in (1, 2):
            grown = np.maximum(np.maximum(grown, np.roll(grown, 1, axis)), np.roll(grown, -1, axis))
        grown = np.where(whole, grown, 0)
        if (grown == name).all():
            break
        name = grown
    counts = np.zeros(f, int)
    for i in range(f):
        sizes = np.bincount(name[i][own[i]], minlength=1)
        sizes[0] = 0
        counts[i] = (sizes > max(0.2 * sizes.max(), SMALLEST / 2 * h * w)).sum()
    return counts
