"""Which true scenes can be judged from pixels at all.

Of an object behind another one, shape and motion show only where its own outline shows: a disc that is seen through a ring's
hole looks like a disc of the hole's size. A scene is called undecidable if an object shows less than half of its outline in
more than three quarters of the frames of a part that is judged.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from world.evaluate import LONG, parts
from world.render import FPS, Scene, signed_distance, track

POINTS = 48
LEAST_OUTLINE = 0.5
LEAST_TIME = 0.25


@lru_cache(maxsize=None)
def _outline(shape: str) -> np.ndarray:
    """[POINTS, 2]: the outer outline of the shape of radius 1, by bisection along rays."""
    angle = 2 * np.pi * (np.arange(POINTS) + 0.5) / POINTS
    ray = np.stack([np.cos(angle), np.sin(angle)], 1)
    low, high = np.zeros(POINTS), np.full(POINTS, 1.6)
    if shape == "ring":
        low += 0.76
    for _ in range(30):
        middle = (low + high) / 2
        inside = signed_distance(shape, ray[:, 0] * middle, ray[:, 1] * middle, np.ones(POINTS)) < 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return ray * low[:, None]


def visible_outline(scene: Scene) -> np.ndarray:
    """[F]: the share of the rear object's outline that the front object leaves visible; the shape events of either are ignored."""
    frames = int(round(scene.seconds * FPS))
    if len(scene.things) < 2:
        return np.ones(frames)
    poses = []
    for index, thing in enumerate(scene.things):
        event = scene.event if scene.event is not None and scene.event.kind == "direction" and scene.event.index == index else None
        ramp = np.clip((np.arange(frames) - event.fraction * frames) / FPS, 0, 1) if event else None
        poses.append(track(thing, frames, event.value if event else None, ramp))
    (fx, fy, fr, fa), (x, y, r, a) = ([p[:, None] for p in pose] for pose in poses)
    px, py = _outline(scene.things[1].shape).T
    px, py = x + r * (np.cos(a) * px - np.sin(a) * py), y + r * (np.sin(a) * px + np.cos(a) * py)
    dx, dy = (px - fx + 0.5) % 1 - 0.5, (py - fy + 0.5) % 1 - 0.5
    hidden = signed_distance(scene.things[0].shape, np.cos(fa) * dx + np.sin(fa) * dy, np.cos(fa) * dy - np.sin(fa) * dx, fr) < 0
    return 1 - hidden.mean(1)


def decidable(scene: Scene) -> bool:
    shown = visible_outline(scene) >= LEAST_OUTLINE
    judged = parts(shown) if len(shown) >= LONG * FPS else (shown,)
    return all(part.mean() >= LEAST_TIME for part in judged)
