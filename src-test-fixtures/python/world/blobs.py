"""What generated objects look like before a model has learned shapes: smooth blobs that wander and deform at random.

    python -m world.blobs --clips 200

A judge that fits shapes to them is too lenient; this prints what world.look makes of them.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from world.look import look
from world.render import COLOURS

HARMONICS = 6


def blob_clip(rng: np.random.Generator, frames: int = 32, side: int = 128) -> np.ndarray:
    """[frames, side, side, 3] uint8: one blob on black, its outline a random walk of Fourier coefficients, its place one too."""
    colour = np.array(list(COLOURS.values())[rng.integers(len(COLOURS))], np.float32)
    place = (np.arange(side) + 0.5) / side
    centre = 0.5 + np.cumsum(rng.normal(size=(frames, 2)) * 0.012, 0)
    waves = rng.normal(size=(HARMONICS, 2)) * 0.22 + np.cumsum(rng.normal(size=(frames, HARMONICS, 2)) * 0.03, 0)
    radius = rng.uniform(0.1, 0.22)
    clip = np.empty((frames, side, side, 3), np.uint8)
    for f in range(frames):
        dx, dy = place[None] - centre[f, 0], place[:, None] - centre[f, 1]
        angle = np.arctan2(dy, dx)
        outline = radius * (1 + sum(a * np.cos((k + 1) * angle) + b * np.sin((k + 1) * angle) for k, (a, b) in enumerate(waves[f])) / 1.5)
        cover = np.clip(0.5 - (np.hypot(dx, dy) - outline) * side / 3, 0, 1)
        clip[f] = np.rint(cover[..., None] * colour)
    return clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    shapes, motions = Counter(), Counter()
    for index in range(args.clips):
        view = look(blob_clip(np.random.default_rng([args.seed, index])))
        shapes[view.things[0].shape if view.things else "unseen"] += 1
        motions[view.things[0].motion if view.things else "unseen"] += 1
    for name, counts in (("shapes", shapes), ("motions", motions)):
        print(f"{name}: {', '.join(f'{word} {count}' for word, count in counts.most_common())}")


if __name__ == "__main__":
    main()
