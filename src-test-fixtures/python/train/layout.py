"""What is where in a film, and a probe that asks a denoiser's hidden tokens for it while the denoiser is trained.

The velocity of a noisy latent says little about what the latent shows; the renderer knows it. Asked for it in the middle of the
network, tokens learn early to hold an object with its place, form and motion. (Yu et al., "Representation Alignment for
Generation", 2024, align hidden tokens with a pretrained encoder's to the same end.) The probe is not part of the model.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from world.render import BACKGROUNDS, COLOURS, MOTIONS, SHAPES, Scene, event_of, event_ramp, path_of

OBJECTS = 2
# How many turns by which a shape looks the same.
SYMMETRY = {"circle": 0, "square": 4, "triangle": 3, "star": 5, "ring": 0, "cross": 4}
# Of an object: whether it is there; centre and motion in a latent frame, in sides of the frame; radius; its turn on the circle; indices.
FIELDS = ("present", "x", "y", "dx", "dy", "radius", "cos", "sin", "shape", "colour", "motion")
MEASURES = 7
# Typical sizes of what is measured: offsets of a token's centre, motions, radii, turns.
SCALE = torch.tensor([0.15, 0.15, 0.1, 0.1, 0.08, 1.0, 1.0])


def layout(scene: Scene, frames: int, cell: int) -> tuple[np.ndarray, np.ndarray]:
    """[OBJECTS, T, FIELDS] float16 and the indices of the background [T] int8; T = frames / cell. An event has happened from its middle on."""
    steps = frames // cell
    middle = np.arange(steps) * cell + cell // 2
    event = scene.event
    ramp = event_ramp(frames, event)
    after = ramp[middle] >= 0.5
    things = np.zeros((OBJECTS, steps, len(FIELDS)), np.float16)
    for index, thing in enumerate(scene.things):
        own = event_of(scene, index)
        x, y, radius, angle = path_of(scene, index, ramp)

        def moved(path):
            step = path[cell - 1::cell] - path[::cell]
            return (step - np.round(step)) * cell / (cell - 1)

        def now(kind, value):
            return np.where(after, own.value, value) if own is not None and own.kind == kind else np.full(steps, value)

        shapes, colours, motions = now("shape", thing.shape), now("colour", thing.colour), now("direction", thing.motion)
        phase = angle[middle] * [SYMMETRY[s] for s in shapes]
        things[index] = np.stack([np.ones(steps), x[middle], y[middle], moved(x), moved(y), radius[middle], np.cos(phase), np.sin(phase),
                                  [SHAPES.index(s) for s in shapes], [tuple(COLOURS).index(c) for c in colours], [MOTIONS.index(m) for m in motions]], 1)
    background = np.full(steps, BACKGROUNDS.index(scene.background), np.int8)
    if event is not None and event.kind == "background":
        background[after] = BACKGROUNDS.index(event.value)
    return things, background


class LayoutProbe(nn.Module):
    """Reads hidden tokens [B, n, d]: is there an object, which, of what colour, moving how, where exactly; and the background."""

    def __init__(self, d: int):
        super().__init__()
        self.parts = [1 + len(SHAPES), len(COLOURS), len(MOTIONS), len(BACKGROUNDS), MEASURES]
        self.read = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d), nn.SiLU(), nn.Linear(d, sum(self.parts)))

    def loss(self, hidden: torch.Tensor, grid: tuple[int, int, int], things: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
        """things [B, OBJECTS, T, FIELDS]; background [B, T]."""
        kind, colour, motion, scenery, measures = self.read(hidden.float()).unflatten(1, grid).split(self.parts, -1)
        shown, target = facts(things.float(), grid)
        kinds = torch.where(shown, target[..., 8].long() + 1, 0)
        chosen = target[shown]
        # Tokens without an object are many and easy.
        weight = torch.where(shown, 1.0, 0.25)
        losses = [(F.cross_entropy(kind.movedim(-1, 1), kinds, reduction="none") * weight).sum() / weight.sum(),
                  0.3 * F.cross_entropy(scenery.movedim(-1, 1), background[:, :, None, None].expand(kinds.shape).long())]
        if len(chosen):
            losses += [0.5 * F.cross_entropy(colour[shown], chosen[:, 9].long()), 0.5 * F.cross_entropy(motion[shown], chosen[:, 10].long()),
                       F.smooth_l1_loss(measures[shown], chosen[:, 1:1 + MEASURES] / SCALE)]
        return sum(losses)


def facts(things: torch.Tensor, grid: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Whether a token shows an object, [B, T, H, W], and the foremost one's fields with x and y from the token's centre, [B, T, H, W, FIELDS]."""
    _, h, w = grid
    y, x = (torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w
    fields = things[:, :, :, None, None].expand(-1, -1, -1, h, w, -1).clone()
    for column, centre in ((1, x[None, :]), (2, y[:, None])):
        away = fields[..., column] - centre
        fields[..., column] = away - away.round()
    reach_x, reach_y = fields[..., 5] + 0.5 / w, fields[..., 5] + 0.5 / h
    near = (fields[..., 0] > 0) & (fields[..., 1].abs() < reach_x) & (fields[..., 2].abs() < reach_y)
    return near.any(1), torch.where(near[:, 0, ..., None], fields[:, 0], fields[:, 1])
