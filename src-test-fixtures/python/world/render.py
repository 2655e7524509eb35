"""Draws the films of the shapes world: seeded, anti-aliased, vectorized over frames.

A `Scene` says everything that is seen; `render` turns it into frames [F, side, side, 3] uint8. Lengths and speeds are in
units of the frame's side, so a scene looks the same at every size.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

FPS = 16
SHAPES = ("circle", "square", "triangle", "star", "ring", "cross")
COLOURS = {
    "red": (230, 40, 40), "orange": (245, 140, 20), "yellow": (245, 225, 40), "green": (40, 190, 70),
    "cyan": (40, 210, 220), "blue": (50, 80, 235), "purple": (150, 60, 210), "white": (245, 245, 245),
}
RADII = {"small": (0.10, 0.14), "large": (0.18, 0.24)}
BACKGROUNDS = ("black", "gray", "navy", "forest", "checkerboard", "night sky")
PLAIN_BACKGROUNDS = {"black": (0, 0, 0), "gray": (70, 70, 70), "navy": (15, 20, 70), "forest": (15, 60, 30)}
DRIFTS = {"right": (1.0, 0.0), "left": (-1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
MOTIONS = ("right", "left", "up", "down", "clockwise", "counterclockwise", "bouncing", "still", "growing", "shrinking", "spinning")
SPEEDS = {"slowly": 0.06, "plain": 0.15, "quickly": 0.35}
EVENT_KINDS = ("colour", "shape", "direction", "background")
EVENT_TIMES = (1 / 3, 1 / 2, 2 / 3)
ORBIT = 0.27
EVENT_SECONDS = 1.0
# Frames that are drawn together, so that they stay in the processor's cache.
_AT_ONCE = 8


@dataclass(frozen=True)
class Thing:
    """One object: what it is, how it moves, and the numbers that its caption leaves open."""

    shape: str
    colour: str
    size: str
    motion: str
    speed: str
    radius: float
    x: float
    y: float
    angle: float
    heading: float


@dataclass(frozen=True)
class Event:
    """A change at `fraction` of the clip: attribute `kind` of object `index` (ignored for the background) becomes `value`."""

    fraction: float
    kind: str
    index: int
    value: str


@dataclass(frozen=True)
class Scene:
    """A whole clip. `things[0]` is drawn in front."""

    seconds: float
    background: str
    things: tuple[Thing, ...]
    event: Event | None = None
    named: dict = field(default_factory=dict, compare=False)


def held_out(shape: str, colour: str, motion: str) -> bool:
    """True for the ten per cent of the (shape, color, motion) triples that training never sees."""
    digest = hashlib.sha256(f"{shape}/{colour}/{motion}".encode()).digest()
    return digest[0] * 256 + digest[1] < 6554


def motions_of(shape: str) -> tuple[str, ...]:
    return tuple(m for m in MOTIONS if m != "spinning" or shape not in ("circle", "ring"))


def random_thing(rng: np.random.Generator, taken: tuple[str, ...] = (), held: bool = False, motion: str | None = None) -> Thing:
    """A random object whose color is not in `taken`; its triple is held out or not, as `held` says."""
    while True:
        shape = SHAPES[rng.integers(len(SHAPES))]
        colour = tuple(COLOURS)[rng.integers(len(COLOURS))]
        chosen = motion or motions_of(shape)[rng.integers(len(motions_of(shape)))]
        if colour not in taken and chosen in motions_of(shape) and held_out(shape, colour, chosen) == held:
            break
    size = ("small", "large")[rng.integers(2)]
    speed = tuple(SPEEDS)[rng.integers(3)] if chosen != "still" else "plain"
    low, high = RADII[size]
    radius = float(rng.uniform(low, high))
    reach = 0.5 - RADII["large"][1] if chosen in ("growing", "shrinking") else 0.5 - radius
    x, y = (float(0.5 + rng.uniform(-reach, reach)) for _ in range(2))
    angle = float(rng.uniform(0, 2 * np.pi)) if chosen == "spinning" else float(rng.uniform(-0.2, 0.2))
    return Thing(shape, colour, size, chosen, speed, radius, x, y, angle, float(rng.uniform(0, 2 * np.pi)))


def random_event(rng: np.random.Generator, things: tuple[Thing, ...], background: str) -> Event | None:
    index = int(rng.integers(len(things)))
    thing = things[index]
    kinds = [k for k in EVENT_KINDS if k != "direction" or thing.motion in DRIFTS]
    kind = kinds[rng.integers(len(kinds))]
    if kind == "colour":
        taken = {t.colour for t in things}
        options = [c for c in COLOURS if c not in taken and not held_out(thing.shape, c, thing.motion)]
    elif kind == "shape":
        options = [s for s in SHAPES if s != thing.shape and thing.motion in motions_of(s)
                   and not held_out(s, thing.colour, thing.motion)]
    elif kind == "direction":
        options = [d for d in DRIFTS if d != thing.motion and not held_out(thing.shape, thing.colour, d)]
    else:
        options = [b for b in BACKGROUNDS if b != background]
    if not options:
        return None
    return Event(float(EVENT_TIMES[rng.integers(3)]), kind, index, options[rng.integers(len(options))])


def random_scene(rng: np.random.Generator, seconds: float, two: float = 0.25, event: float = 0.0, held: bool = False) -> Scene:
    """A random scene; `two` and `event` are probabilities, `held` draws the first object from the held-out triples."""
    things = (random_thing(rng, held=held),)
    if rng.random() < two:
        things += (random_thing(rng, taken=(things[0].colour,)),)
    background = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    happening = random_event(rng, things, background) if rng.random() < event else None
    return Scene(seconds, background, things, happening)


def still_of(scene: Scene) -> Scene:
    """The same scene with nothing moving: an image."""
    return replace(scene, event=None, things=tuple(replace(t, motion="still") for t in scene.things))


def _bounce(position: np.ndarray, low: float, high: float) -> np.ndarray:
    """Reflects a straight path into [low, high]."""
    span = high - low
    return low + span - np.abs((position - low) % (2 * span) - span)


def event_ramp(frames: int, event: Event | None) -> np.ndarray:
    """Share of the event that has happened, per frame: 0 before, 1 after, linear over one second."""
    if event is None:
        return np.zeros(frames, np.float32)
    start = event.fraction * frames
    return np.clip((np.arange(frames) - start) / (EVENT_SECONDS * FPS), 0, 1).astype(np.float32)


def track(thing: Thing, frames: int, turn: str | None = None, ramp: np.ndarray | None = None):
    """Path of an object: x, y, radius and angle per frame. `turn` is a drift that takes over as `ramp` goes from 0 to 1."""
    time = np.arange(frames) / FPS
    speed = SPEEDS[thing.speed]
    x, y = np.full(frames, thing.x), np.full(frames, thing.y)
    radius, angle = np.full(frames, thing.radius), np.full(frames, thing.angle)
    if thing.motion in DRIFTS:
        before = np.array(DRIFTS[thing.motion])
        after = np.array(DRIFTS[turn]) if turn else before
        share = (np.zeros(frames) if ramp is None else ramp)[:, None]
        step = ((1 - share) * before + share * after) * speed / FPS
        path = np.concatenate([np.zeros((1, 2)), np.cumsum(step, 0)[:-1]])
        x, y = (x + path[:, 0]) % 1, (y + path[:, 1]) % 1
    elif thing.motion in ("clockwise", "counterclockwise"):
        sense = 1 if thing.motion == "clockwise" else -1
        phase = thing.heading + sense * 2 * np.pi * speed * time
        x, y = 0.5 + ORBIT * np.cos(phase), 0.5 + ORBIT * np.sin(phase)
    elif thing.motion == "bouncing":
        # Steep or flat headings would look like a drift, so the heading is folded towards the diagonals.
        quadrant, rest = divmod(thing.heading, np.pi / 2)
        heading = quadrant * np.pi / 2 + np.pi / 8 + rest / 2
        x = _bounce(thing.x + np.cos(heading) * speed * time, thing.radius, 1 - thing.radius)
        y = _bounce(thing.y + np.sin(heading) * speed * time, thing.radius, 1 - thing.radius)
    elif thing.motion in ("growing", "shrinking"):
        low, high = RADII["small"][0], RADII["large"][1]
        wave = 0.5 - 0.5 * np.cos(2 * np.pi * speed * time)
        radius = low + (high - low) * (wave if thing.motion == "growing" else 1 - wave)
    elif thing.motion == "spinning":
        angle = thing.angle + 2 * np.pi * speed * time
    return x, y, radius, angle


def event_of(scene: Scene, index: int) -> Event | None:
    """The scene's event if it is that object's."""
    return scene.event if scene.event is not None and scene.event.index == index else None


def path_of(scene: Scene, index: int, ramp: np.ndarray):
    """Path of an object of the scene, as `track` has it, its own change of direction included; `ramp` is that of the scene's event."""
    own = event_of(scene, index)
    return track(scene.things[index], len(ramp), own.value if own is not None and own.kind == "direction" else None, ramp)


def signed_distance(shape: str, x: np.ndarray, y: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to the outline, negative inside; exact along the edges, which is what anti-aliasing needs."""
    if shape == "circle":
        return np.sqrt(x * x + y * y) - r
    if shape == "ring":
        return np.abs(np.sqrt(x * x + y * y) - 0.76 * r) - 0.24 * r
    if shape == "square":
        return np.maximum(np.abs(x), np.abs(y)) - 0.86 * r
    if shape == "triangle":
        y = y - 0.15 * r
        return np.maximum(y, 0.8660254 * np.abs(x) - 0.5 * y) - 0.575 * r
    if shape == "cross":
        a, b = np.abs(x), np.abs(y)
        return np.minimum(np.maximum(a - r, b - 0.34 * r), np.maximum(a - 0.34 * r, b - r))
    if shape == "star":
        # Each of the five points is two straight edges; fold the plane into one half point and measure its edge.
        theta = np.arctan2(x, -y)
        rho = np.sqrt(x * x + y * y)
        fold = np.abs((theta + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)
        px, py = rho * np.cos(fold), rho * np.sin(fold)
        outer, inner = 1.12, 0.50
        ex, ey = inner * np.cos(np.pi / 5) - outer, inner * np.sin(np.pi / 5)
        length = np.hypot(ex, ey)
        return ((px - outer * r) * ey - py * ex) / length
    raise ValueError(f"shape: found {shape!r}, expected one of {SHAPES}")


def _coverage(shape, x, y, radius, angle, side, patch):
    """Share of each pixel that the shape covers: rows [F, patch], columns [F, patch] (wrapped) and cover [F, patch, patch]."""
    grid = np.arange(patch, dtype=np.float32) - patch // 2
    cx, cy = (x * side).astype(np.float32), (y * side).astype(np.float32)
    columns, rows = np.floor(cx)[:, None] + grid, np.floor(cy)[:, None] + grid
    dx = (columns + 0.5 - cx[:, None])[:, None, :]
    dy = (rows + 0.5 - cy[:, None])[:, :, None]
    c, s = np.cos(angle).astype(np.float32)[:, None, None], np.sin(angle).astype(np.float32)[:, None, None]
    r = (radius * side).astype(np.float32)[:, None, None]
    distance = signed_distance(shape, c * dx + s * dy, c * dy - s * dx, r)
    return rows.astype(np.int64) % side, columns.astype(np.int64) % side, np.clip(0.5 - distance, 0, 1)


def background_image(name: str, side: int) -> np.ndarray:
    """One background [side, side, 3] float32, 0..255."""
    if name in PLAIN_BACKGROUNDS:
        return np.broadcast_to(np.array(PLAIN_BACKGROUNDS[name], np.float32), (side, side, 3)).copy()
    if name == "checkerboard":
        cell = np.arange(side) * 8 // side
        gray = np.where((cell[:, None] + cell[None]) % 2 == 0, 40.0, 75.0)
        return np.repeat(gray[..., None], 3, 2).astype(np.float32)
    if name == "night sky":
        stars = np.random.default_rng(7)
        image = np.zeros((side, side), np.float32)
        pixels = (np.arange(side) + 0.5) / side * 128
        for x, y, light in zip(stars.uniform(0, 128, 40), stars.uniform(0, 128, 40), stars.uniform(60, 130, 40)):
            image += light * np.exp(-((pixels[None] - x) ** 2 + (pixels[:, None] - y) ** 2) / 1.6)
        return np.repeat(np.minimum(image, 140)[..., None], 3, 2)
    raise ValueError(f"background: found {name!r}, expected one of {BACKGROUNDS}")


def render(scene: Scene, side: int = 128, frames: int | None = None, step: int = 1) -> np.ndarray:
    """Frames [F, side, side, 3] uint8 of the scene; F = 16 * seconds unless `frames` says otherwise. Of them every `step`-th is drawn."""
    total = int(round(scene.seconds * FPS)) if frames is None else frames
    whole_ramp = event_ramp(total, scene.event)
    ramp = whole_ramp[::step]
    paths = [tuple(values[::step] for values in path_of(scene, index, whole_ramp)) for index in range(len(scene.things))]
    backgrounds = [background_image(scene.background, side)]
    if scene.event is not None and scene.event.kind == "background":
        backgrounds.append(background_image(scene.event.value, side))
    clip = np.empty((len(ramp), side, side, 3), np.uint8)
    for start in range(0, len(ramp), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        clip[part] = _draw(scene, ramp[part], [tuple(values[part] for values in path) for path in paths],
                           [radius.max() for _, _, radius, _ in paths], backgrounds)
    return clip


def _draw(scene, ramp, paths, largest, backgrounds) -> np.ndarray:
    """Frames [F, side, side, 3], 0 to 255 and rounded, for the ramp and paths of these frames; `largest` radius of each object."""
    count, side = len(ramp), len(backgrounds[0])
    image = np.empty((count, side, side, 3), np.float32)
    image[:] = backgrounds[0]
    if len(backgrounds) > 1:
        share = ramp[:, None, None, None]
        image = image * (1 - share) + share * backgrounds[1]
    frame = np.arange(count)[:, None, None]
    for index in range(len(scene.things) - 1, -1, -1):
        thing = scene.things[index]
        own = event_of(scene, index)
        x, y, radius, angle = paths[index]
        patch = min(side, 2 * int(np.ceil(1.15 * largest[index] * side)) + 4)
        rows, columns, cover = _coverage(thing.shape, x, y, radius, angle, side, patch)
        if own is not None and own.kind == "shape":
            other = _coverage(own.value, x, y, radius, angle, side, patch)[2]
            cover = cover * (1 - ramp[:, None, None]) + other * ramp[:, None, None]
        colour = np.broadcast_to(np.array(COLOURS[thing.colour], np.float32), (count, 3))
        if own is not None and own.kind == "colour":
            colour = colour * (1 - ramp[:, None]) + ramp[:, None] * np.array(COLOURS[own.value], np.float32)
        where = (frame, rows[:, :, None], columns[:, None, :])
        under = image[where]
        image[where] = under + cover[..., None] * (colour[:, None, None, :] - under)
    return np.rint(image, out=image)
