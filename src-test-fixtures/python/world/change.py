"""What changes in the course of a clip, and when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from world.look import Seen, View
from world.motion import wrap
from world.outline import outlines_of
from world.render import BACKGROUNDS, DRIFTS, EVENT_SECONDS, EVENT_TIMES, FPS, SHAPES
from world.segment import background_errors, layers_of

RATE = 4


@dataclass(frozen=True)
class Change:
    """`kind` is one of render.EVENT_KINDS or "count"; `thing` the changed object as it was before, None for background and count."""

    kind: str
    before: str
    after: str
    thing: Seen | None = None
    then: Seen | None = None


def changes_between(first: View, last: View) -> tuple[Change, ...]:
    """The differences of two views of the same clip; of motions, only drifts that turn."""
    found = []
    if first.background != last.background:
        found.append(Change("background", first.background, last.background))
    if first.count != last.count or len(first.things) != len(last.things):
        found.append(Change("count", str(first.count), str(last.count)))
    for before, after in _pairs(first.things[:4], last.things[:4]):
        for kind in ("colour", "shape"):
            if getattr(before, kind) != getattr(after, kind):
                found.append(Change(kind, getattr(before, kind), getattr(after, kind), before, after))
        if before.motion in DRIFTS and after.motion in DRIFTS and before.motion != after.motion:
            found.append(Change("direction", before.motion, after.motion, before, after))
    return tuple(found)


def _pairs(first: tuple[Seen, ...], last: tuple[Seen, ...]) -> list[tuple[Seen, Seen]]:
    """Who became whom: as much as possible stays the same."""
    if len(first) > len(last):
        return [(a, b) for b, a in _pairs(last, first)]

    def same(order):
        return sum(4 * (a.colour == b.colour) + 3 * (a.shape == b.shape) + (a.motion == b.motion) + (a.size == b.size)
                   for a, b in zip(first, order))

    return list(zip(first, max(permutations(last, len(first)), key=same)))


def time_of(clip: np.ndarray, change: Change, background: str, fps: int = FPS) -> float:
    """When the change begins, as the nearest of render.EVENT_TIMES. `background` is that before."""
    stride = max(1, fps // RATE)
    start, stop = int(len(clip) / 3 - fps), int(len(clip) * 2 / 3 + 2 * EVENT_SECONDS * fps)
    frames = clip[start:stop:stride]
    sign = np.tanh(_evidence(frames, change, background))
    passed = np.concatenate([[0], np.cumsum(sign)])
    cut = int((passed[-1] - 2 * passed).argmax())
    middle = (start + cut * stride) / fps - EVENT_SECONDS / 2
    return min(EVENT_TIMES, key=lambda f: abs(f * len(clip) / fps - middle))


def _evidence(frames: np.ndarray, change: Change, background: str) -> np.ndarray:
    """[F]: negative before the change, positive after it."""
    if change.kind == "background":
        errors = background_errors(frames)
        return errors[:, BACKGROUNDS.index(change.before)] - errors[:, BACKGROUNDS.index(change.after)]
    layers = layers_of(frames, background)

    def cover(colour):
        return np.where(layers.label == layers.colours.index(colour), layers.cover, 0) if colour in layers.colours else np.zeros_like(layers.cover)

    if change.kind == "colour":
        return 500 * (cover(change.after) - cover(change.before)).mean((1, 2))
    outlines = outlines_of(cover(change.thing.colour))
    if change.kind == "shape":
        best = outlines.overlap.max(2)
        return 10 * np.nan_to_num(best[:, SHAPES.index(change.after)] - best[:, SHAPES.index(change.before)])
    if change.kind == "direction":
        step = np.concatenate([wrap(np.diff(outlines.centre, axis=0)), np.zeros((1, 2))])
        return 100 * step @ (np.array(DRIFTS[change.after]) - np.array(DRIFTS[change.before]))
    return np.zeros(len(frames))
