"""Judges clips of the shapes world against what their captions name.

`judge` compares what world.look sees with an `Expected`. docs/nano.md has the evaluator's own errors, measured on true clips.
Events are judged by the first third and by what follows the second third: they can happen in between only, and their captions
don't say when. That takes clips of 8 seconds or more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from world.captions import Caption
from world.change import Change, changes_between
from world.look import Seen, View, look
from world.render import EVENT_SECONDS, FPS, Scene

# Color identifies an object, so it decides first which seen object is which of the caption.
WEIGHTS = {"colour": 8, "shape": 4, "motion": 2, "size": 1, "speed": 1}
# What the specification lists; captions may name sizes and speeds too.
LISTED = ("count", "background", "colour", "shape", "motion", "event")
LONG = 8.0


@dataclass(frozen=True)
class Expected:
    """What a caption names; what it leaves out is None or not in `things`. An event has "kind", "index" and "value"."""

    background: str | None
    things: tuple[dict, ...]
    event: dict | None = None

    @staticmethod
    def of(scene: Scene, caption: Caption) -> Expected:
        things = tuple({name: getattr(thing, name) for name in WEIGHTS if (name, i) in caption.names}
                       for i, thing in enumerate(scene.things))
        event = asdict(scene.event) if scene.event is not None and ("event", -1) in caption.names else None
        return Expected(scene.background if ("background", -1) in caption.names else None, things, event)

    @staticmethod
    def of_json(found: dict) -> Expected:
        return Expected(found.get("background"), tuple(found["things"]), found.get("event"))

    def json(self) -> dict:
        return {"background": self.background, "things": list(self.things), "event": self.event}


@dataclass(frozen=True)
class Verdict:
    """`right`: for every named attribute ("count", "background", "shape.0", ..., "event"), is it as the caption says?

    `identity`: is each object at the end what it was at the beginning, or what the event makes of it? None for short clips.
    """

    right: dict[str, bool]
    view: View
    changes: tuple[Change, ...] = ()
    identity: bool | None = None

    @property
    def all(self) -> bool:
        return all(self.right.values())

    @property
    def all_listed(self) -> bool:
        return all(ok for name, ok in self.right.items() if name.split(".")[0] in LISTED)


class Observation:
    """What is seen of a clip [F, side, side, 3] uint8 of `fps` frames a second; looked at when asked for, and once."""

    def __init__(self, clip: np.ndarray, fps: int = FPS):
        self.clip, self.fps = clip, fps
        self.long = len(clip) >= LONG * fps

    @cached_property
    def whole(self) -> View:
        return look(self.clip, self.fps)

    @cached_property
    def first(self) -> View:
        return look(parts(self.clip, self.fps)[0], self.fps)

    @cached_property
    def last(self) -> View:
        return look(parts(self.clip, self.fps)[1], self.fps)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Differences between the parts before and after every event; none are looked for in a short clip."""
        return changes_between(self.first, self.last) if self.long else ()

    def judge(self, expected: Expected) -> Verdict:
        view = self.first if self.long and expected.event is not None else self.whole
        identity = _identity(self.first, self.changes, expected) if self.long else None
        return _verdict(view, expected, self.changes, identity)


def judge(clip: np.ndarray, expected: Expected, fps: int = FPS) -> Verdict:
    """clip [F, side, side, 3] uint8 of `fps` frames a second."""
    return Observation(clip, fps).judge(expected)


def parts(clip: np.ndarray, fps: int = FPS) -> tuple[np.ndarray, np.ndarray]:
    """What precedes every event, and what follows it."""
    return clip[: len(clip) // 3], clip[int(len(clip) * 2 / 3 + EVENT_SECONDS * fps) + 1:]


def _verdict(view: View, expected: Expected, changes: tuple[Change, ...] = (), identity: bool | None = None) -> Verdict:
    right = {"count": view.count == len(expected.things)}
    if expected.background is not None:
        right["background"] = view.background == expected.background
    matched = _assign(expected.things, view.things)
    for index, (want, have) in enumerate(zip(expected.things, matched)):
        for name in want:
            right[f"{name}.{index}"] = have is not None and getattr(have, name) == want[name]
    if expected.event is not None:
        right["event"] = any(_is(change, expected.event, matched) for change in changes)
    return Verdict(right, view, changes, identity)


def _is(change: Change, event: dict, matched: list[Seen | None]) -> bool:
    thing = None if event["kind"] == "background" else matched[event["index"]]
    return change.kind == event["kind"] and change.after == event["value"] and change.thing == thing


def _assign(things: tuple[dict, ...], seen: tuple[Seen, ...]) -> list[Seen | None]:
    """The seen object for each named one, so that the most is right."""
    pool = list(seen[:4]) + [None] * len(things)

    def right(order):
        return sum(weight for want, have in zip(things, order) if have is not None
                   for name, weight in WEIGHTS.items() if name in want and getattr(have, name) == want[name])

    return list(max(permutations(pool, len(things)), key=right))


def _identity(first: View, changes: tuple[Change, ...], expected: Expected) -> bool:
    """Nothing but the named event may have changed a color, a shape or the number of objects."""
    event = expected.event or {"kind": None, "value": None}
    astray = [c for c in changes if c.kind in ("colour", "shape", "count") and (c.kind, c.after) != (event["kind"], event["value"])]
    return bool(first.things) and all(t.shape != "none" for t in first.things) and not astray


def flicker(clip: np.ndarray) -> float:
    """Temporal flicker as VBench defines it: (255 - mean over t of the mean absolute difference of consecutive frames) / 255."""
    total = sum(np.abs(b.astype(np.int16) - a).mean() for a, b in zip(clip[:-1], clip[1:]))
    return float((255 - total / (len(clip) - 1)) / 255)
