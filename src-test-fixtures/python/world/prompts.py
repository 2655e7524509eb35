"""Files of prompts with what they name: JSON lines, one clip each.

    python -m world.prompts --output heldout.jsonl --make 50 --seconds 17 --held-out triples synonyms
    python -m world.prompts --output long.jsonl --make 20 --seconds 68 --event 1 --held-out triples synonyms

A line has "prompt", "seed", "seconds", "expected" (evaluate.Expected) and "flicker", the flicker of the film that the prompt was
made of. Held-out triples are (shape, color, motion) that training never sees (render.held_out; of two objects the first), held-out
synonyms the words that it never sees (captions). Without --held-out the prompts are like those of the training. Ten prompts that
were written by hand are in prompts.jsonl beside this file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from world.captions import caption
from world.evaluate import Expected, flicker
from world.render import random_scene, render

BY_HAND = Path(__file__).with_name("prompts.jsonl")
HELD_OUT = ("triples", "synonyms")


@dataclass(frozen=True)
class Prompt:
    """`flicker` is that of the true film, None if there is none."""

    prompt: str
    seed: int
    seconds: float | None
    expected: Expected
    flicker: float | None = None

    def json(self) -> dict:
        fields = dict(prompt=self.prompt, seed=self.seed, seconds=self.seconds, expected=self.expected.json(), flicker=self.flicker)
        return {name: value for name, value in fields.items() if value is not None}


def read(path: Path) -> list[Prompt]:
    prompts = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            prompts.append(Prompt(row["prompt"], int(row.get("seed", number)), row.get("seconds"), Expected.of_json(row["expected"]), row.get("flicker")))
        except (ValueError, KeyError, TypeError) as e:
            raise ValueError(f"{path}, line {number}: found {line[:80]!r}, expected an object with prompt and expected: {e!r}") from e
    return prompts


def write(path: Path, prompts: list[Prompt]) -> None:
    path.write_text("".join(json.dumps(prompt.json()) + "\n" for prompt in prompts))


def make(count: int, seconds: float, held_out: tuple[str, ...] = (), two: float = 0.25, event: float = 0.0, seed: int = 1, keep: float = 0.0) -> list[Prompt]:
    """Random prompts, the same for the same arguments."""
    prompts = []
    for index in range(count):
        rng = np.random.default_rng([seed, index, int(seconds * 16), 515])
        scene = random_scene(rng, seconds, two, event, held="triples" in held_out)
        words = caption(scene, rng, held="synonyms" in held_out, keep=keep)
        prompts.append(Prompt(words.text, 1000 * seed + index, seconds, Expected.of(scene, words), round(flicker(render(scene)), 5)))
    return prompts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--make", type=int, required=True, help="so many prompts")
    parser.add_argument("--seconds", type=float, default=17)
    parser.add_argument("--held-out", nargs="*", choices=HELD_OUT, default=())
    parser.add_argument("--two", type=float, default=0.25, help="share of prompts with two objects")
    parser.add_argument("--event", type=float, default=0.0, help="share of prompts with an event; 8 seconds at least")
    parser.add_argument("--keep", type=float, default=0.0, help="1: everything is named; 0: as in training, some is left out")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.event and args.seconds < 8:
        parser.error(f"--seconds: found {args.seconds:g}, expected 8 or more for events")
    write(args.output, make(args.make, args.seconds, tuple(args.held_out), args.two, args.event, args.seed, args.keep))


if __name__ == "__main__":
    main()
