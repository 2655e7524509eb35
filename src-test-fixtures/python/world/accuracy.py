"""Measures the evaluator itself, on true clips, where it should be right, and on wrong ones, where it should not.

    python -m world.accuracy --output DIR --clips 400 --kinds one-2 two-2 one-68-event

A kind is the number of objects (one, two, or any: two as often as the world has), the seconds, and perhaps "event". Each clip is judged by its own caption, which names all, and
by the caption of the clip before it. DIR/<kind>.jsonl gets a line a clip, so an interrupted run goes on; DIR/accuracy.md the tables.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from world.captions import caption
from world.change import time_of
from world.decidable import decidable
from world.evaluate import Expected, Observation, flicker
from world.render import FPS, Scene, random_scene, render
from world.tally import Tally, table
from world.video import read_clip, write_clip

KINDS = ("one-2", "two-2", "one-4", "two-4", "one-17", "two-17", "one-68-event", "two-68-event")

TWO = {"one": {"two": 0.0}, "two": {"two": 1.0}, "any": {}}


def scene_of(kind: str, seed: int, index: int) -> tuple[Scene, Expected]:
    """A random scene of the kind, and all that can be named of it."""
    count, seconds, *rest = kind.split("-")
    rng = np.random.default_rng([seed, index, int(float(seconds) * 16), count == "two", bool(rest)])
    while True:
        scene = random_scene(rng, float(seconds), event=float(bool(rest)), **TWO[count])
        if rest and scene.event is None:
            continue
        return scene, Expected.of(scene, caption(scene, rng, keep=1.0))


def describe(scene: Scene) -> str:
    things = ", ".join(f"{t.size} {t.colour} {t.shape} {t.motion} {t.speed}" for t in scene.things)
    event = f"; at {scene.event.fraction:.2f} {scene.event.kind} {scene.event.index} {scene.event.value}" if scene.event else ""
    return f"{scene.background}: {things}{event}"


def seen_of(observation: Observation, expected: Expected) -> str:
    view = observation.first if expected.event is not None else observation.whole
    things = ", ".join(f"{s.size} {s.colour} {s.shape} {s.motion} {s.speed} ({s.overlap:.2f})" for s in view.things)
    changes = "".join(f"; {c.kind} {c.before} to {c.after}" for c in observation.changes)
    return f"{view.background}: {things}{changes}"


def measure(scene: Scene, expected: Expected, other: Expected, clip: np.ndarray, fps: int) -> dict:
    observation = Observation(clip, fps)
    verdict = observation.judge(expected)
    row = dict(decidable=decidable(scene), right=verdict.right, identity=verdict.identity,
               wrong=observation.judge(other).right, scene=describe(scene), seen=seen_of(observation, expected))
    if expected.event is not None:
        change = next((c for c in verdict.changes if (c.kind, c.after) == (expected.event["kind"], expected.event["value"])), None)
        row["time"] = change is not None and abs(time_of(clip, change, verdict.view.background, fps) - scene.event.fraction) < 1e-6
    return row


def unchanged(clip: np.ndarray) -> np.ndarray:
    return clip


def run(kind: str, args: argparse.Namespace, through=unchanged) -> list[dict]:
    """The rows of a kind, with those of an earlier run."""
    path = args.output / f"{kind}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    with path.open("a") as file:
        for index in range(len(rows), args.clips):
            scene, expected = scene_of(kind, args.seed, index)
            # Long clips are looked at four times a second; the frames in between need no drawing.
            step = 4 if scene.seconds > 6 and index >= args.flicker and through is unchanged else 1
            drawn = render(scene, step=step)
            clip = through(drawn)
            row = measure(scene, expected, scene_of(kind, args.seed, index + 10_000)[1], clip, FPS // step)
            if through is not unchanged:
                row["psnr"] = psnr(clip, drawn)
            if index < args.flicker:
                row["flicker"] = flicker(clip)
            file.write(json.dumps(row) + "\n")
            file.flush()
            rows.append(row)
    return rows[: args.clips]


def psnr(clip: np.ndarray, drawn: np.ndarray) -> float:
    """Of 8-bit frames, dB; 99 where no pixel differs."""
    error = np.square(clip.astype(np.float32) - drawn).mean(dtype=np.float64)
    return float(10 * np.log10(255 ** 2 / error)) if error else 99.0


def report(kinds: dict[str, list[dict]]) -> str:
    """Markdown: true captions, wrong captions, and the list of errors."""
    fidelity = [f"{kind}: PSNR {np.mean(found):.2f} dB in the mean, {min(found):.2f} for the worst clip" for kind, rows in kinds.items()
                if (found := [row["psnr"] for row in rows if "psnr" in row])]
    lines = [*fidelity, *[""] * bool(fidelity), "Judged by their own captions:", "", *_accuracy(kinds, "right"), "", "Judged by the captions of other clips:", "",
             *_accuracy(kinds, "wrong"), "", "Errors:", "", "| kind | clip | drawn | seen | wrong |", "|---|---|---|---|---|"]
    for kind, rows in kinds.items():
        for index, row in enumerate(rows):
            wrong = [name for name, ok in row["right"].items() if not ok] + ["identity"] * (row["identity"] is False) + ["time"] * (row.get("time") is False)
            if wrong:
                note = "" if row["decidable"] else " (undecidable)"
                lines.append(f"| {kind} | {index}{note} | {row['scene']} | {row['seen']} | {', '.join(wrong)} |")
    return "\n".join(lines) + "\n"


def _accuracy(kinds: dict[str, list[dict]], field: str) -> list[str]:
    out = []
    for kind, rows in kinds.items():
        tallies = defaultdict(Tally)
        for row in rows:
            if not row["decidable"]:
                tallies["undecidable"].add(True)
                continue
            for name, ok in row[field].items():
                tallies[name.split(".")[0]].add(ok)
            tallies["all"].add(all(row[field].values()))
            if field == "right":
                for name in ("identity", "time"):
                    if row.get(name) is not None:
                        tallies[name].add(row[name])
        out.append((kind, tallies))
    return table("clips", out, ("all", "count", "background", "colour", "shape", "size", "motion", "speed", "event", "time", "identity", "undecidable"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=400, help="of each kind")
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--flicker", type=int, default=30, help="of that many clips a kind the flicker too")
    parser.add_argument("--decoder", type=Path, help="encode and decode every clip with this autoencoder first")
    parser.add_argument("--mp4", action="store_true", help="write every clip as MP4 and read it first")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    through = through_autoencoder(args.decoder) if args.decoder else through_mp4 if args.mp4 else unchanged
    kinds = {kind: run(kind, args, through) for kind in args.kinds}
    text = report(kinds)
    (args.output / "accuracy.md").write_text(text)
    print(text)


def through_mp4(clip: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        write_clip(Path(folder) / "clip.mp4", clip, FPS)
        return read_clip(Path(folder) / "clip.mp4")[0]


def through_autoencoder(path: Path):
    """A function that encodes and decodes a clip."""
    import torch

    from train.make_latents import load_autoencoder
    from train.train_decoder import to_frames, to_tensor
    torch.set_num_threads(1)
    model = load_autoencoder(path)

    @torch.no_grad()
    def through(clip: np.ndarray) -> np.ndarray:
        with torch.autocast("cpu", torch.bfloat16):
            output = model.decode(model.encode(to_tensor(clip[None])))
        return to_frames(output[0])

    return through


if __name__ == "__main__":
    main()
