"""What is seen in a clip of the shapes world, by plain image processing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world.fit import Pose, best_pose, coarse, fitted_shape, next_pose
from world.motion import Track, motion_of, wrap
from world.outline import SYMMETRY, Outlines, outlines_of, shape_of, turns_of, unit_rms
from world.render import FPS, RADII, SHAPES
from world.segment import SMALLEST, Layers, background_of, layers_of, pieces, touching

# Between the largest small radius and the smallest large one.
SIZE_BORDER = (RADII["small"][1] + RADII["large"][0]) / 2
# An untouched mask is that much better than one of which another object hides a part.
PARTLY_HIDDEN = 0.025
GOOD_OVERLAP = 0.88
TRIANGLE_SHIFT = 0.15
# At most so many frames in which an object is partly hidden are looked at closely.
FITTED = 20
# Of a pose of which less is visible, size and place are guesses.
LEAST_VISIBLE = 0.4


@dataclass(frozen=True)
class Seen:
    """One object: what it is and does (words of render), `area` the median share of the frame, `pieces` usually 1."""

    colour: str
    shape: str
    size: str
    motion: str
    speed: str
    area: float
    pieces: float
    overlap: float


@dataclass(frozen=True)
class View:
    """A clip's background and objects, the larger first."""

    background: str
    things: tuple[Seen, ...]

    @property
    def count(self) -> int:
        return round(sum(thing.pieces for thing in self.things))


def stride_of(seconds: float, fps: int) -> int:
    """Every how many frames to look: 16, 8 or 4 times a second. At 4 the quickest drift moves by 0.09 of the side."""
    rate = 16 if seconds <= 2.5 else 8 if seconds <= 6 else 4
    return max(1, fps // rate)


def look(clip: np.ndarray, fps: int = FPS) -> View:
    """clip [F, side, side, 3] uint8 of `fps` frames a second."""
    stride = stride_of(len(clip) / fps, fps)
    frames = clip[::stride]
    background = background_of(frames)
    layers = layers_of(frames, background)
    time = np.arange(len(frames)) * stride / fps
    seen = [thing for i in range(len(layers.colours)) if (thing := _thing(layers, i, time)) is not None]
    return View(background, tuple(sorted(seen, key=lambda s: -s.area)))


def _thing(layers: Layers, index: int, time: np.ndarray) -> Seen | None:
    mask, others = layers.mask(index), (layers.label >= 0) & (layers.label != index) & (layers.cover > 0.5)
    visible = mask.mean((1, 2)) > SMALLEST
    if not visible.any():
        return None
    cover = np.where(layers.label == index, layers.cover, 0)
    outlines = outlines_of(cover)
    if visible.mean() < 0.5 and not _hides(outlines.centre, visible, others):
        return None
    apart = visible & ~touching(mask, others) if others.any() else visible
    clear, shape, overlap = _whole(outlines, visible, apart)
    poses = {}
    if others.any() and not _enough(clear, visible):
        clear, shape, overlap, poses = _partly_hidden(cover, others, outlines, visible, apart, clear, shape, overlap)
    kind = shape if shape != "none" else "circle"
    track = _track(time, outlines, clear, kind, poses)
    motion, speed = motion_of(track, shape)
    radius = track.radius if len(track.radius) else outlines.rms[visible] / unit_rms(kind)
    size = "small" if np.median(radius) < SIZE_BORDER else "large"
    some = np.nonzero(visible)[0][np.linspace(0, visible.sum() - 1, min(8, visible.sum())).astype(int)]
    return Seen(layers.colours[index], shape, size, motion, speed, float(np.median(outlines.area[visible])),
                float(np.median(pieces(mask[some], others[some]))), overlap)


def _enough(clear: np.ndarray, visible: np.ndarray) -> bool:
    """Whether the clear frames tell the motion, without the less certain poses of partly hidden objects."""
    shown, whole = np.nonzero(clear)[0], np.nonzero(visible)[0]
    return len(shown) >= 8 and np.ptp(shown) >= 0.6 * np.ptp(whole) and np.diff(shown).max() <= 0.3 * len(clear)


def _track(time: np.ndarray, outlines: Outlines, clear: np.ndarray, shape: str, poses: dict[int, Pose]) -> Track:
    """The clear frames' moments and the other frames' fitted poses, in the order of time."""
    centre, radius = outlines.centre.copy(), outlines.rms / unit_rms(shape)
    turn = turns_of(outlines.overlap, shape)
    used = clear.copy()
    for i, pose in poses.items():
        centre[i], radius[i] = (pose.x, pose.y), pose.radius
        if shape == "triangle":
            centre[i] += TRIANGLE_SHIFT * pose.radius * np.array([-np.sin(pose.angle), np.cos(pose.angle)])
        turn[i] = pose.angle * SYMMETRY[shape] / (2 * np.pi) % 1
        used[i] = True
    centre, radius, turn = centre[used], radius[used], turn[used]
    if shape == "triangle" and len(turn) and np.isfinite(turn).all():
        centre = _drawn_centre(centre, radius, turn)
    return Track(time[used], centre % 1, radius, turn)


def _drawn_centre(centre: np.ndarray, radius: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """A triangle is drawn, and spins, around a point that is not its center of mass (render.signed_distance).

    Which of its three sides is that point's is seen only if it spins: then one of them keeps the point in its place. If it does
    not spin, it stands almost upright.
    """
    angle = np.unwrap(2 * np.pi * turn) / 3
    angle -= 2 * np.pi / 3 * np.round(np.median(angle) / (2 * np.pi / 3))
    options = []
    for side in (0, 1, 2):
        a = angle + 2 * np.pi / 3 * side
        options.append(centre - TRIANGLE_SHIFT * radius[:, None] * np.stack([-np.sin(a), np.cos(a)], 1))
    spread = [wrap(o - o[0]).std(0).sum() for o in options]
    return options[int(np.argmin(spread)) if min(spread) < 0.5 * spread[0] else 0]


def _whole(outlines: Outlines, visible: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, str, float]:
    """Frames in which the whole object is seen, as far as masks can tell; the shape seen there and its overlap."""
    best = np.nan_to_num(outlines.overlap.max(2))
    shape, overlap = shape_of(outlines.overlap[apart if apart.sum() >= 3 else visible])
    if apart.all() or shape == "none":
        return apart, shape, overlap
    like = best[:, SHAPES.index(shape)]
    if apart.sum() < 3:
        # Never alone: a good overlap all the time means that it is the one in front.
        clear = visible & (like > GOOD_OVERLAP)
        return (clear, *(shape_of(outlines.overlap[clear]) if clear.any() else (shape, overlap)))
    together = visible & ~apart
    in_front = np.median(like[together]) > np.median(like[apart]) - PARTLY_HIDDEN if together.any() else False
    return visible if in_front else apart, shape, overlap


def _partly_hidden(cover, others, outlines, visible, apart, clear, shape, overlap):
    """The shape by its visible part, if it is never seen whole; and poses of frames in which another object hides a part."""
    known, part = 1 - coarse(others.astype(np.float32)), coarse(cover)
    if clear.sum() < 3:
        area = np.where(visible, outlines.area, 0)
        some = np.argsort(-area)[: 4 if visible.sum() > 3 else 1]
        shape, overlap = fitted_shape(part[some], known[some])
        clear = clear & False
    if shape == "none":
        return apart, shape, overlap, {}
    frames = np.nonzero(visible & ~clear)[0]
    frames = frames[np.linspace(0, len(frames) - 1, min(len(frames), FITTED)).astype(int)] if len(frames) else frames
    poses, last = {}, None
    for i in frames:
        poses[i] = best_pose(shape, part[i], known[i]) if last is None or last.overlap < 0.7 else next_pose(shape, last, part[i], known[i])
        last = poses[i]
    return clear, shape, overlap, {i: p for i, p in poses.items() if p.overlap > 0.75 and p.visible > LEAST_VISIBLE}


def _hides(centre: np.ndarray, visible: np.ndarray, others: np.ndarray) -> bool:
    """Whether another object is where this one was seen last or is seen next, whenever this one is not seen."""
    side = others.shape[1]
    shown, hidden = np.nonzero(visible)[0], np.nonzero(~visible)[0]
    nearest = shown[np.abs(hidden[:, None] - shown[None]).argmin(1)]
    x, y = (centre[nearest] * side).astype(int).T % side
    return visible.mean() > 0.2 and others[hidden, y, x].mean() > 0.7
