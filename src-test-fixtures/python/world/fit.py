"""Fits an outline to what is visible of an object of which another one hides a part.

Moments of a partly hidden mask mislead, so places, sizes and turns are searched by drawing candidates and comparing only the
pixels that the other object leaves visible. Seeded by the mask alone: the same clip gives the same fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world.outline import SYMMETRY
from world.render import RADII, SHAPES, signed_distance

CELLS = 32
LEAST_RADIUS, LARGEST_RADIUS = 0.9 * RADII["small"][0], 1.06 * RADII["large"][1]


@dataclass(frozen=True)
class Pose:
    """Where a shape lies: `angle` in radians, lengths in units of the side; `overlap` of the visible part and `visible` share of the whole, 0..1."""

    x: float
    y: float
    radius: float
    angle: float
    overlap: float
    visible: float


def coarse(cover: np.ndarray) -> np.ndarray:
    """[..., side, side] -> means over CELLS x CELLS cells."""
    block = cover.shape[-1] // CELLS
    return cover.reshape(*cover.shape[:-2], CELLS, block, CELLS, block).mean((-3, -1), dtype=np.float32)


def _drawn(shape: str, candidates: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """candidates [N, 4] (x, y, radius, angle) -> [N, cells] the covered share of the cells (ys, xs)."""
    place = (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS
    c = candidates.astype(np.float32)
    dx, dy = ((place[i][None] - c[:, k, None] + 0.5) % 1 - 0.5 for i, k in ((xs, 0), (ys, 1)))
    cos, sin = np.cos(c[:, 3, None]), np.sin(c[:, 3, None])
    distance = signed_distance(shape, cos * dx + sin * dy, cos * dy - sin * dx, c[:, 2, None])
    return np.clip(0.5 - distance * CELLS, 0, 1)


def _overlap(shape: str, candidates: np.ndarray, cover: np.ndarray, known: np.ndarray) -> np.ndarray:
    """candidates [N, 4] (x, y, radius, angle) -> [N] overlap on the known cells."""
    ys, xs = np.nonzero(known > 0.5)
    drawn = _drawn(shape, candidates, ys, xs)
    seen = cover[ys, xs][None]
    both = np.minimum(drawn, seen).sum(1)
    return both / np.maximum(drawn.sum(1) + seen.sum() - both, 1e-6)


def _search(shape, start, spread, cover, known, rng, rounds=5, count=140, keep=14) -> Pose:
    """Random search that narrows: `start` [N, 4]; `spread` of x and y, of the radius (relative) and the angle."""
    pool, score = start, _overlap(shape, start, cover, known)
    for _ in range(rounds):
        best = np.argsort(-score)[:keep]
        step = rng.normal(size=(count, 4)) * np.array([spread[0], spread[0], 1, spread[2]])
        fresh = pool[best][rng.integers(len(best), size=count)]
        step[:, 2] *= spread[1] * fresh[:, 2]
        fresh = fresh + step
        fresh[:, 2] = np.clip(fresh[:, 2], LEAST_RADIUS, LARGEST_RADIUS)
        pool, score = np.concatenate([pool[best], fresh]), np.concatenate([score[best], _overlap(shape, fresh, cover, known)])
        spread = tuple(0.55 * s for s in spread)
    best = int(score.argmax())
    x, y, radius, angle = pool[best]
    whole = _drawn(shape, pool[best : best + 1], *np.divmod(np.arange(CELLS * CELLS), CELLS))[0].reshape(CELLS, CELLS)
    return Pose(x % 1, y % 1, radius, angle, float(score[best]), float((whole * known).sum() / whole.sum()))


def best_pose(shape: str, cover: np.ndarray, known: np.ndarray) -> Pose:
    """The best pose from nothing: cover and known [CELLS, CELLS]."""
    rng = np.random.default_rng(1)
    ys, xs = np.nonzero(cover * known > 0.3)
    if not len(xs):
        return Pose(0.5, 0.5, LEAST_RADIUS, 0.0, 0.0, 0.0)
    pick = rng.integers(len(xs), size=240)
    place = (np.stack([xs[pick], ys[pick]], 1) + 0.5) / CELLS + rng.normal(size=(240, 2)) * 0.07
    radius = rng.uniform(LEAST_RADIUS, LARGEST_RADIUS, (240, 1))
    angle = rng.uniform(-0.5, 0.5, (240, 1)) * 2 * np.pi / SYMMETRY[shape]
    return _search(shape, np.concatenate([place, radius, angle], 1), (0.04, 0.15, 0.4 / SYMMETRY[shape]), cover, known, rng)


def next_pose(shape: str, pose: Pose, cover: np.ndarray, known: np.ndarray) -> Pose:
    """The best pose near that of a neighboring frame."""
    rng = np.random.default_rng(2)
    start = np.array([[pose.x, pose.y, pose.radius, pose.angle]])
    return _search(shape, start, (0.05, 0.1, 0.5 / SYMMETRY[shape]), cover, known, rng, rounds=5, count=80, keep=8)


def fitted_shape(covers: np.ndarray, knowns: np.ndarray) -> tuple[str, float]:
    """The shape that fits the visible parts of a few frames best, and its mean overlap."""
    scores = [np.mean([best_pose(shape, c, k).overlap for c, k in zip(covers, knowns)]) for shape in SHAPES]
    best = int(np.argmax(scores))
    return SHAPES[best], float(scores[best])
