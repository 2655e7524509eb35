"""Which of the eleven motions explains an object's track, and how fast it is.

A motion is judged by displacements over a short time, so that a generated object may change its speed a little without
changing its motion. Whatever is less than half as fast as "slowly" counts as still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world.outline import SYMMETRY
from world.render import DRIFTS, ORBIT, RADII, SPEEDS

SLOWEST = SPEEDS["slowly"] / 2
FASTEST = 0.45
# A model of motion must explain at least this share of the displacements' power.
EXPLAINED = 0.7
# A drift explains that much of no bounce: a drawn bounce is at least 22.5 degrees off the axes.
NOT_STRAIGHT = 0.92
HOP = 0.12
# An object that begins to shrink slowly loses 0.08 of its size's logarithm in two seconds; this is half of it.
LEAST_GROWTH = 0.04
# How far a circling object may stray from its circle (root mean square).
OFF_CIRCLE = 0.03


@dataclass(frozen=True)
class Track:
    """An object's poses at `time` [N] seconds: center [N, 2] on the torus, radius [N], turn [N] (a share of the symmetry)."""

    time: np.ndarray
    centre: np.ndarray
    radius: np.ndarray
    turn: np.ndarray


def nearest_speed(value: float) -> str:
    return min(SPEEDS, key=lambda name: abs(np.log(max(value, 1e-6) / SPEEDS[name])))


def wrap(difference: np.ndarray) -> np.ndarray:
    """The shortest way on the torus."""
    return (difference + 0.5) % 1 - 0.5


def _hops(track: Track, lag: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of samples about `lag` seconds apart: first index, second index, seconds. Consecutive samples, if there are too few such."""
    tick = np.min(np.diff(track.time))
    after = np.searchsorted(track.time, track.time + max(tick, lag - tick / 2))
    first = np.nonzero(after < len(track.time))[0]
    second = after[first]
    seconds = track.time[second] - track.time[first]
    close = seconds < max(1.5 * lag, lag + tick)
    if close.sum() < 3:
        first = np.arange(len(track.time) - 1)
        return first, first + 1, np.diff(track.time)
    return first[close], second[close], seconds[close]


def motion_of(track: Track, shape: str) -> tuple[str, str]:
    """(motion, speed), or ("none", "none") if the track is too short or erratic."""
    if len(track.time) < 6:
        return "none", "none"
    name, speed = _travel(track)
    if name is not None:
        return name, nearest_speed(speed) if name != "none" else "none"
    # A steady turn is the clearer sign: a partly hidden object's size is less certain than its orientation.
    name, speed = _spin(track, SYMMETRY[shape]) if SYMMETRY.get(shape, 1) > 1 else (None, 0.0)
    if name is None:
        name, speed = _growth(track)
    return (name, nearest_speed(speed)) if name else ("still", "plain")


def _explained(displacement: np.ndarray, model: np.ndarray) -> float:
    """Share of the displacements' power that the model explains; the worst twentieth is forgiven."""
    off = np.sort(((displacement - model) ** 2).sum(1))[: max(1, int(0.95 * len(displacement)))]
    return float(1 - off.sum() / max((displacement ** 2).sum(), 1e-12))


def _travel(track: Track) -> tuple[str | None, float]:
    """Drift, circle or bounce with its speed; (None, 0) for an object that keeps its place, "none" for an erratic one."""
    length = track.time[-1] - track.time[0]
    first, second, seconds = _hops(track, min(0.25, length / 2))
    pace = np.median(np.hypot(*wrap(track.centre[second] - track.centre[first]).T) / seconds)
    lag = float(np.clip(HOP / max(pace, 1e-6), np.diff(track.time).min(), min(1.0, length / 2)))
    first, second, seconds = _hops(track, lag)
    moved = wrap(track.centre[second] - track.centre[first]) / seconds[:, None]
    found = {}
    velocity = np.median(moved, 0)
    axis = max(DRIFTS, key=lambda d: velocity @ np.array(DRIFTS[d]))
    along = float(velocity @ np.array(DRIFTS[axis]))
    found[axis] = (_explained(moved, along * np.array(DRIFTS[axis])[None]), along)
    found |= _circle(track, first, second, seconds, moved)
    if found[axis][0] < NOT_STRAIGHT:
        found |= _bounce(track, first, second, seconds, moved)
    name = max(found, key=lambda n: found[n][0])
    if name in ("clockwise", "counterclockwise", "bouncing") and found[name][0] > 0.9:
        name = _straight_or_round(track, found, name)
    score, speed = found[name]
    if score >= EXPLAINED and speed >= SLOWEST:
        return name, speed
    middle = track.centre[len(track.centre) // 2]
    away = wrap(track.centre - middle)
    away = np.hypot(*(away - np.median(away, 0)).T)
    return (None, 0.0) if np.quantile(away, 0.9) < 0.12 else ("none", 0.0)


def _circle(track, first, second, seconds, moved) -> dict:
    """Around the frame's center; {} if the radius of the path is far from the drawn one."""
    arm = track.centre - 0.5
    radius = np.hypot(*arm.T)
    if abs(np.median(radius) - ORBIT) > 0.09:
        return {}
    angle = np.arctan2(arm[:, 1], arm[:, 0])
    step = (angle[second] - angle[first] + np.pi) % (2 * np.pi) - np.pi
    rate = float(np.median(step / seconds))
    turn = rate * seconds
    c, s, a = np.cos(turn), np.sin(turn), arm[first]
    model = np.stack([c * a[:, 0] - s * a[:, 1], s * a[:, 0] + c * a[:, 1]], 1) - a
    return {"clockwise" if rate > 0 else "counterclockwise": (_explained(moved, model / seconds[:, None]), abs(rate) / (2 * np.pi))}


def _bounce(track, first, second, seconds, moved) -> dict:
    """Constant speed along both axes, reflected at the borders only; {} if one axis hardly moves or turns round elsewhere."""
    margin = float(np.median(track.radius))
    models, paces, astray = [], [], []
    for axis in (0, 1):
        start, step = track.centre[first, axis], moved[:, axis] * seconds
        paces_tried = np.linspace(0.01, FASTEST, 89)
        # [pace, sense, pair]
        reach = start + np.array([1, -1])[None, :, None] * paces_tried[:, None, None] * seconds
        end = np.clip(margin + (1 - 2 * margin) - np.abs((reach - margin) % (2 - 4 * margin) - (1 - 2 * margin)), 0, 1)
        off = np.abs(end - start - step)
        best = int((np.minimum(off.min(1), 0.05) ** 2).sum(1).argmin())
        sense = off[best].argmin(0)
        model = (end[best] - start)[sense, np.arange(len(sense))]
        models.append(model / seconds)
        paces.append(paces_tried[best])
        gap = np.diff(track.time[first])
        ahead = np.abs(start + np.array([1, -1])[sense] * paces[-1] * np.append(gap, 0) - 0.5)[:-1]
        astray.append((np.diff(sense) != 0) & (ahead < 0.47 - margin) & (gap < 1.5 * gap.min()))
    speed = float(np.hypot(*paces))
    # A drawn bounce is at least 22.5 degrees off the axes, a drift 0.
    if min(paces) < 0.3 * speed or max(a.mean() for a in astray) > 0.05:
        return {}
    return {"bouncing": (_explained(moved, np.stack(models, 1)), speed)}


def _straight_or_round(track: Track, found: dict, name: str) -> str:
    """Short arcs are almost straight: whole tracks are compared, as a line and as a circle of the drawn radius."""
    circle = next((n for n in found if "clockwise" in n), None)
    if circle is None or "bouncing" not in found:
        return name
    off = sorted(1 - found[n][0] for n in (circle, "bouncing"))
    if off[1] > 0.1 or off[0] < 0.25 * off[1]:
        return name
    arm = track.centre - 0.5
    angle = np.unwrap(np.arctan2(arm[:, 1], arm[:, 0]))
    if np.ptp(angle) > 2:
        return circle if np.hypot(*arm.T).std() < OFF_CIRCLE else name
    fit = np.polyval(np.polyfit(track.time, angle, 1), track.time)
    round_off = np.hypot(*(arm - ORBIT * np.stack([np.cos(fit), np.sin(fit)], 1)).T).mean()
    path = arm[0] + wrap(track.centre - track.centre[0])
    line = np.stack([np.polyval(np.polyfit(track.time, path[:, i], 1), track.time) for i in (0, 1)], 1)
    return circle if round_off < np.hypot(*(path - line).T).mean() else "bouncing"


def _wave(cycles: np.ndarray) -> np.ndarray:
    """Radius of a growing object after so many cycles (render.track)."""
    low, high = RADII["small"][0], RADII["large"][1]
    return low + (high - low) * (0.5 - 0.5 * np.cos(2 * np.pi * cycles))


def _growth(track: Track) -> tuple[str | None, float]:
    """Growing or shrinking. Both go back and forth; they differ in where they begin: at the smallest or the largest size."""
    early = track.time <= track.time[0] + 17
    time, size = track.time[early], np.log(np.maximum(track.radius[early], 1e-3))
    centred = size - size.mean()
    power = (centred ** 2).sum()
    low, high = np.quantile(size, (0.05, 0.95))
    if high - low < LEAST_GROWTH:
        return None, 0.0
    best = (-np.inf, None, 0.0)
    for name, phase in (("growing", 0.0), ("shrinking", 0.5)):
        # So fine that the phase at the end is off by a thirtieth of a cycle at most.
        for speed in np.linspace(SLOWEST, FASTEST, max(60, int(7 * (time[-1] - time[0])))):
            model = np.log(_wave(speed * time + phase))
            model = model - model.mean()
            gain = (centred @ model) / max(model @ model, 1e-9)
            if 0.4 < gain < 1.8:
                best = max(best, (1 - ((centred - gain * model) ** 2).sum() / power - 0.05 * abs(np.log(gain)), name, speed))
    score, name, speed = best
    if score < EXPLAINED:
        return None, 0.0
    return name, speed


def _spin(track: Track, symmetry: int) -> tuple[str | None, float]:
    """A steady turn, by the periodogram of the orientation."""
    seen = np.isfinite(track.turn)
    if seen.sum() < 6:
        return None, 0.0
    time, phase = track.time[seen], 2j * np.pi * track.turn[seen]
    rates = np.arange(-FASTEST, FASTEST, min(0.01, 0.1 / (time[-1] - time[0]) / symmetry))
    steady = np.abs(np.exp(phase[None] - 2j * np.pi * symmetry * rates[:, None] * time[None]).mean(1))
    best = int(steady.argmax())
    rate = abs(float(rates[best]))
    return ("spinning", rate) if rate >= SLOWEST and steady[best] > 0.85 else (None, 0.0)
