"""Judges clips of the shapes world by plain image processing: background, count, colour, shape, motion.

`look` says what is seen in a clip; `judge` compares that with what a caption names. Events are judged by looking at the
parts before and after. On true clips the figures are near, but not at, 1: docs/nano.md has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from world.captions import Caption
from world.render import (BACKGROUNDS, COLOURS, DRIFTS, FPS, ORBIT, SHAPES, SPEEDS, Scene, background_image,
                          signed_distance)

GRID = 28
SPAN = 2.0
TURNS = 24
PALETTE = np.array(list(COLOURS.values()), np.float32)


@dataclass(frozen=True)
class Seen:
    """What is seen of one object; `motion` is one of render.MOTIONS, `area` the median share of the frame."""

    colour: str
    shape: str
    motion: str
    area: float


@lru_cache(maxsize=1)
def _templates() -> np.ndarray:
    """[shapes, turns, GRID*GRID]: every shape, centred, of unit root-mean-square radius, at every turn."""
    fine = (np.arange(200) + 0.5) / 100 - 1
    points = SPAN * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)
    out = np.zeros((len(SHAPES), TURNS, GRID, GRID), bool)
    for i, shape in enumerate(SHAPES):
        x, y = np.meshgrid(1.3 * fine, 1.3 * fine)
        inside = signed_distance(shape, x, y, 1.0) < 0
        cx, cy = x[inside].mean(), y[inside].mean()
        rms = np.sqrt(((x - cx) ** 2 + (y - cy) ** 2)[inside].mean())
        gx, gy = np.meshgrid(points * rms, points * rms)
        for k in range(TURNS):
            a = 2 * np.pi * k / TURNS
            out[i, k] = signed_distance(shape, np.cos(a) * gx + np.sin(a) * gy + cx, np.cos(a) * gy - np.sin(a) * gx + cy, 1.0) < 0
    return out.reshape(len(SHAPES), TURNS, -1)


def background_of(clip: np.ndarray) -> str:
    """The background whose pixels differ least; the median over pixels forgives the objects."""
    side, mean = clip.shape[1], np.median(clip[:: max(1, len(clip) // 8)].astype(np.float32), 0)
    errors = [np.abs(mean - background_image(name, side)).mean(-1) for name in BACKGROUNDS]
    # Black and the night sky differ in few pixels only, so the tie is broken by the mean.
    return BACKGROUNDS[int(np.argmin([np.median(e) + 0.5 * np.minimum(e, 60).mean() for e in errors]))]


def _masks(clip: np.ndarray, background: str) -> dict[str, np.ndarray]:
    """Per colour that is seen, its mask [F, side, side]."""
    frames = clip.astype(np.float32)
    apart = np.abs(frames - background_image(background, clip.shape[1])).max(-1) > 45
    distance = ((frames[..., None, :] - PALETTE) ** 2).sum(-1)
    nearest = np.where(apart & (distance.min(-1) < 75 ** 2), distance.argmin(-1), -1)
    found = {name: nearest == i for i, name in enumerate(COLOURS)}
    area = {name: mask.mean((1, 2)) for name, mask in found.items()}
    return {name: mask for name, mask in found.items() if np.median(area[name]) > 0.005}


def _centre(mask: np.ndarray) -> tuple[float, float]:
    """Centre on the torus, in units of the side."""
    side = mask.shape[0]
    angle = np.exp(2j * np.pi * (np.arange(side) + 0.5) / side)
    return (float(np.angle((mask.sum(0) * angle).sum()) / (2 * np.pi) % 1), float(np.angle((mask.sum(1) * angle).sum()) / (2 * np.pi) % 1))


def _normalise(mask: np.ndarray, centre: tuple[float, float]) -> np.ndarray | None:
    """The mask on the templates' grid."""
    side = mask.shape[0]
    mask = np.roll(mask, (round((0.5 - centre[1]) * side), round((0.5 - centre[0]) * side)), (0, 1))
    ys, xs = np.nonzero(mask)
    if len(ys) < 20:
        return None
    cx, cy = xs.mean(), ys.mean()
    rms = np.sqrt(((xs - cx) ** 2 + (ys - cy) ** 2).mean())
    points = SPAN * rms * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)
    ix, iy = np.rint(cx + points).astype(int), np.rint(cy + points).astype(int)
    ok = ((iy >= 0) & (iy < side))[:, None] & ((ix >= 0) & (ix < side))[None]
    return (mask[np.clip(iy, 0, side - 1)][:, np.clip(ix, 0, side - 1)] & ok).reshape(-1)


def _shape(masks: np.ndarray, centres: np.ndarray) -> tuple[str, np.ndarray]:
    """Shape by mean overlap over frames, and the orientation that fits best per frame (in turns, NaN if none)."""
    templates = _templates()
    scores, best = [], []
    for mask, centre in zip(masks, centres):
        normal = _normalise(mask, centre)
        if normal is None:
            best.append(None)
            continue
        both = templates.reshape(-1, GRID * GRID) & normal
        either = templates.reshape(-1, GRID * GRID) | normal
        overlap = (both.sum(1) / either.sum(1)).reshape(len(SHAPES), TURNS)
        scores.append(overlap.max(1))
        best.append(overlap)
    if not scores:
        return "none", np.full(len(masks), np.nan)
    index = int(np.mean(scores, 0).argmax())
    return SHAPES[index], np.array([np.nan if b is None else b[index].argmax() / TURNS for b in best])


SYMMETRY = {"square": 4, "triangle": 3, "star": 5, "cross": 4}


def _motion(centres: np.ndarray, areas: np.ndarray, turns: np.ndarray, shape: str, step: float) -> str:
    """The motion that explains the track; `step` is the time in seconds between its samples."""
    delta = (np.diff(centres, axis=0) + 0.5) % 1 - 0.5
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(delta, 0)])
    time = np.arange(len(path)) * step
    length = np.abs(path - path[0]).max()
    if length < max(0.035, 0.3 * SPEEDS["slowly"] * time[-1] if time[-1] < 2 else 0.035):
        smooth = np.convolve(np.log(np.maximum(areas, 1e-4)), np.ones(3) / 3, "valid")
        if np.ptp(smooth) > 0.2:
            return "growing" if smooth[: max(2, int(1.2 / step))].mean() < smooth.mean() else "shrinking"
        if shape in SYMMETRY and np.isfinite(turns).all():
            angle = np.unwrap(turns * SYMMETRY[shape] * 2 * np.pi) / (2 * np.pi * SYMMETRY[shape])
            if abs(angle[-1] - angle[0]) > 0.5 * SPEEDS["slowly"] * time[-1]:
                return "spinning"
        return "still"
    from_centre = centres - 0.5
    phase = np.unwrap(np.arctan2(from_centre[:, 1], from_centre[:, 0]))
    off_circle = np.sqrt(np.mean((np.hypot(*from_centre.T) - ORBIT) ** 2)) + 0.1 * np.abs(np.diff(phase) - np.diff(phase).mean()).max()
    fit = np.polyfit(time, path, 1)
    off_line = np.sqrt(np.mean(((path - time[:, None] * fit[0] - fit[1]) ** 2).sum(1)))
    velocity = fit[0]
    axis = max(DRIFTS, key=lambda d: velocity @ np.array(DRIFTS[d]))
    straight = velocity @ np.array(DRIFTS[axis]) > 0.93 * np.hypot(*velocity)
    if off_circle < 0.03 and off_circle < off_line + 0.01 and abs(phase[-1] - phase[0]) > 0.15:
        return "clockwise" if phase[-1] > phase[0] else "counterclockwise"
    if straight and off_line < 0.03:
        return axis
    return "bouncing"


def look(clip: np.ndarray, samples: int = 24) -> tuple[str, list[Seen]]:
    """clip [F, side, side, 3] uint8 -> its background, and its objects, the larger first."""
    # Quick drifts wrap: samples must be close enough that no step is over half the side.
    stride = max(1, min(len(clip) // samples, FPS // 2))
    background = background_of(clip)
    part = clip[::stride]
    seen = []
    for colour, masks in _masks(part, background).items():
        kept = masks.any((1, 2))
        masks = masks[kept]
        centres = np.array([_centre(m) for m in masks])
        shape, turns = _shape(masks, centres)
        areas = masks.mean((1, 2))
        seen.append(Seen(colour, shape, _motion(centres, areas, turns, shape, stride / FPS), float(np.median(areas))))
    return background, sorted(seen, key=lambda s: -s.area)


def judge(clip: np.ndarray, scene: Scene, caption: Caption) -> dict[str, bool]:
    """For every attribute that the caption names (of a clip without an event): is it right? Adds `count` and `all`."""
    background, seen = look(clip)
    result = {"count": len(seen) == len(scene.things)}
    if ("background", -1) in caption.names:
        result["background"] = background == scene.background
    for index, thing in enumerate(scene.things):
        match = next((s for s in seen if s.colour == thing.colour), None)
        if ("colour", index) in caption.names:
            result[f"colour.{index}"] = match is not None
        elif seen:
            match = seen[min(index, len(seen) - 1)]
        guess = match or (seen[min(index, len(seen) - 1)] if seen else None)
        for name in ("shape", "motion"):
            if (name, index) in caption.names:
                result[f"{name}.{index}"] = guess is not None and getattr(guess, name) == getattr(thing, name)
    result["all"] = all(result.values())
    return result


def flicker(clip: np.ndarray) -> float:
    """Temporal flicker as VBench defines it: (255 - mean absolute difference of consecutive frames) / 255."""
    return float((255 - np.abs(np.diff(clip.astype(np.float32), axis=0)).mean()) / 255)
