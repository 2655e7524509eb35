"""Which of the six shapes a mask is: the best overlap with templates after normalizing place, size and turn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from world.render import SHAPES, signed_distance
from world.segment import moments

GRID = 32
SPAN = 2.1
STEPS = 12
FINE = 340
REACH = 2.3
# Standard deviations in root-mean-square radii: decoded clips are softer than drawn ones.
BLURS = (0.0, 0.12, 0.24)
SYMMETRY = {"circle": 1, "square": 4, "triangle": 3, "star": 5, "ring": 1, "cross": 4}
# Below this overlap a mask is none of the six shapes: of random blobs one in fifty reaches it, whole objects of true clips 0.95.
LEAST_OVERLAP = 0.85


@dataclass(frozen=True)
class Outlines:
    """Masks of one object over time. `overlap[f, s, k]` is that with shape s at turn k / STEPS of its symmetry; NaN: nothing there."""

    centre: np.ndarray
    rms: np.ndarray
    area: np.ndarray
    overlap: np.ndarray


@lru_cache(maxsize=1)
def _templates() -> tuple[np.ndarray, np.ndarray]:
    """[shapes, BLURS, STEPS, GRID * GRID]: every shape, centered, of unit root-mean-square radius; and that radius of each unblurred."""
    fine = 1.7 * ((np.arange(FINE) + 0.5) / FINE * 2 - 1)
    points = SPAN * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)
    frequency = np.fft.fftfreq(FINE, fine[1] - fine[0])
    out, radii = np.zeros((len(SHAPES), len(BLURS), STEPS, GRID, GRID), np.float32), np.zeros(len(SHAPES))
    for i, shape in enumerate(SHAPES):
        x, y = np.meshgrid(fine, fine)
        inside = (signed_distance(shape, x, y, 1.0) < 0).astype(float)
        cx, cy = (inside * x).sum() / inside.sum(), (inside * y).sum() / inside.sum()
        radii[i] = np.sqrt((inside * ((x - cx) ** 2 + (y - cy) ** 2)).sum() / inside.sum())
        for j, blur in enumerate(BLURS):
            smooth = np.exp(-2 * (np.pi * blur * radii[i]) ** 2 * (frequency[None] ** 2 + frequency[:, None] ** 2))
            soft = np.fft.ifft2(np.fft.fft2(inside) * smooth).real
            rms = radii[i] * np.sqrt(1 + 2 * blur ** 2)
            gx, gy = np.meshgrid(points * rms, points * rms)
            for k in range(STEPS):
                a = 2 * np.pi * k / STEPS / SYMMETRY[shape]
                px, py = np.cos(a) * gx + np.sin(a) * gy + cx, np.cos(a) * gy - np.sin(a) * gx + cy
                ix, iy = (np.clip(((p / 1.7 + 1) / 2 * FINE).astype(int), 0, FINE - 1) for p in (px, py))
                out[i, j, k] = soft[iy, ix] * (np.maximum(np.abs(px), np.abs(py)) < 1.7)
    return out.reshape(len(SHAPES), len(BLURS), STEPS, -1), radii


def unit_rms(shape: str) -> float:
    """Root-mean-square radius of the shape of radius 1."""
    return float(_templates()[1][SHAPES.index(shape)])


def _normal(cover: np.ndarray, centre: np.ndarray, rms: np.ndarray) -> np.ndarray:
    """[F, GRID * GRID]: the masks on the templates' grid, by bilinear reading."""
    side = cover.shape[1]
    points = SPAN * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)
    x = (centre[:, :1] + rms[:, None] * points) * side - 0.5
    y = (centre[:, 1:] + rms[:, None] * points) * side - 0.5
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - x0).astype(np.float32)[:, None, :], (y - y0).astype(np.float32)[:, :, None]
    f = np.arange(len(cover))[:, None, None]
    at = lambda dy, dx: cover[f, ((y0 + dy) % side)[:, :, None], ((x0 + dx) % side)[:, None, :]]
    value = (1 - fy) * ((1 - fx) * at(0, 0) + fx * at(0, 1)) + fy * ((1 - fx) * at(1, 0) + fx * at(1, 1))
    return value.reshape(len(cover), -1)


def outlines_of(cover: np.ndarray) -> Outlines:
    """cover [F, side, side] float, zero outside of the object."""
    # A few stray pixels far away would spoil the moments; no shape reaches farther than 2.1 such radii.
    centre, rms = moments(cover)
    place = (np.arange(cover.shape[1], dtype=np.float32) + 0.5) / cover.shape[1]
    dx, dy = ((place[None] - centre[:, k, None].astype(np.float32) + 0.5) % 1 - 0.5 for k in (0, 1))
    cover = cover * ((dx * dx)[:, None, :] + (dy * dy)[:, :, None] < ((REACH * rms) ** 2)[:, None, None])
    centre, rms = moments(cover)
    area = cover.mean((1, 2))
    seen = (cover > 0.5).sum((1, 2)) >= 20
    overlap = np.full((len(cover), len(SHAPES), STEPS), np.nan, np.float32)
    if seen.any():
        templates = _templates()[0].reshape(-1, GRID * GRID)
        normal = _normal(cover[seen], centre[seen], rms[seen]).astype(np.float32)
        # Tanimoto's coefficient: the share of the union that both have, for masks that are not only 0 and 1.
        both = normal @ templates.T
        either = (normal ** 2).sum(1)[:, None] + (templates ** 2).sum(1)[None] - both
        overlap[seen] = (both / either).reshape(-1, len(SHAPES), len(BLURS), STEPS).max(2)
    return Outlines(centre, rms, area, overlap)


def shape_of(overlap: np.ndarray) -> tuple[str, float]:
    """The shape that overlaps best in the mean over frames, or "none"; and that overlap."""
    if not len(overlap):
        return "none", 0.0
    mean = overlap.max(2).mean(0)
    best = int(mean.argmax())
    return (SHAPES[best] if mean[best] >= LEAST_OVERLAP else "none"), float(mean[best])


def turns_of(overlap: np.ndarray, shape: str) -> np.ndarray:
    """Orientation per frame as a share of the shape's symmetry, 0..1, between the steps by a parabola; NaN if unseen."""
    values = overlap[:, SHAPES.index(shape)]
    rows, best = np.arange(len(values)), np.nan_to_num(values).argmax(1)
    before, at, after = (values[rows, (best + d) % STEPS] for d in (-1, 0, 1))
    bend = before - 2 * at + after
    shift = np.where(bend < -1e-6, 0.5 * (before - after) / np.minimum(bend, -1e-6), 0)
    return np.where(np.isfinite(at), ((best + np.clip(shift, -0.5, 0.5)) / STEPS) % 1, np.nan)
