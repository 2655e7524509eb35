"""Judges generated clips and writes what was found: report.md, results.csv and contact sheets.

`world.pipeline` uses it for the whole way from prompt to MP4 in Java, `train.sample` for the PyTorch sampler.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from PIL import Image, ImageDraw

from world.evaluate import Observation, flicker
from world.prompts import Prompt
from world.tally import Tally, table

COLUMNS = ("all", "all_listed", "count", "background", "colour", "shape", "motion", "event", "size", "speed", "identity")
SHEET_ROWS, SHEET_FRAMES, LINE = 10, 10, 14


@dataclass(frozen=True)
class Result:
    """A judged clip. `right` and `identity` as in evaluate.Verdict, plus "all" and "all_listed"; `seen` in words; `strip` [side, 10 * side, 3]."""

    prompt: Prompt
    right: dict[str, bool]
    identity: bool | None
    seen: str
    flicker: float
    strip: np.ndarray

    @staticmethod
    def of(prompt: Prompt, clip: np.ndarray, fps: int) -> Result:
        observation = Observation(clip, fps)
        verdict = observation.judge(prompt.expected)
        things = ", ".join(f"{s.size} {s.colour} {s.shape} {s.motion} {s.speed}" for s in verdict.view.things) or "no object"
        changes = "".join(f"; {c.kind}: {c.before} to {c.after}" for c in verdict.changes)
        frames = clip[np.linspace(0, len(clip) - 1, SHEET_FRAMES).astype(int)]
        return Result(prompt, {**verdict.right, "all": verdict.all, "all_listed": verdict.all_listed}, verdict.identity,
                      f"{verdict.view.background}: {things}{changes}", flicker(clip), np.concatenate(list(frames), 1))

    @property
    def wrong(self) -> list[str]:
        return [name for name, ok in self.right.items() if not ok and not name.startswith("all")] + ["identity"] * (self.identity is False)

    def json(self) -> dict:
        return dict(right=self.right, identity=self.identity, seen=self.seen, flicker=self.flicker)


def tallies(results: list[Result]) -> dict[str, Tally]:
    """Counts per attribute over all objects, "all", and "identity" of long clips."""
    found = defaultdict(Tally)
    for result in results:
        for name, ok in result.right.items():
            found[name.split(".")[0]].add(ok)
        if result.identity is not None:
            found["identity"].add(result.identity)
    return found


def by_word(results: list[Result]) -> dict[str, dict[str, Tally]]:
    """Counts of every shape, motion and so on that was asked for; objects of all clips."""
    found = defaultdict(lambda: defaultdict(Tally))
    for result in results:
        for index, thing in enumerate(result.prompt.expected.things):
            for name, asked in thing.items():
                found[name][asked].add(result.right[f"{name}.{index}"])
    return found


def _groups(results: list[Result]) -> dict[str, list[Result]]:
    groups = {"all clips": results}
    for result in results:
        expected = result.prompt.expected
        name = ("one object", "two objects")[len(expected.things) - 1] if 1 <= len(expected.things) <= 2 else f"{len(expected.things)} objects"
        groups.setdefault(name + (" and an event" if expected.event is not None else ""), []).append(result)
    return groups if len(groups) > 2 else {"all clips": results}


def write(results: list[Result], folder: Path, title: str) -> str:
    """Writes everything into the folder, whose sheets of an earlier report go; returns report.md."""
    folder.mkdir(parents=True, exist_ok=True)
    _csv(results, folder / "results.csv")
    sheets = _sheets(results, folder)
    text = markdown(results, title, sheets)
    (folder / "report.md").write_text(text)
    return text


def markdown(results: list[Result], title: str, sheets: list[str]) -> str:
    found = tallies(results)
    lines = [f"# {title}", "", f"{len(results)} clips. `all`: all that the caption names is right; `all_listed`: all of it but sizes and speeds.", "",
             "| attribute | right | rate | 95 % interval |", "|---|---|---|---|"]
    for name in COLUMNS:
        if name in found:
            low, high = found[name].interval()
            lines.append(f"| {name} | {found[name].right}/{found[name].total} | {100 * found[name].rate:.1f} % | {100 * low:.1f} to {100 * high:.1f} % |")
    lines += ["", *table("clips", [(name, tallies(part)) for name, part in _groups(results).items()], COLUMNS), ""]
    words = by_word(results)
    for name in COLUMNS:
        if name in words:
            lines += [f"- {name}: " + ", ".join(f"{asked} {tally.right}/{tally.total}" for asked, tally in sorted(words[name].items()))]
    lines += ["", _flicker(results), ""]
    if sheets:
        lines += [f"![frames]({sheet})" for sheet in sheets] + [""]
    lines += ["| | prompt | seed | wrong | seen | flicker |", "|---|---|---|---|---|---|"]
    lines += [f"| {number} | {r.prompt.prompt} | {r.prompt.seed} | {', '.join(r.wrong)} | {r.seen} | {r.flicker:.4f} |"
              for number, r in enumerate(results, 1)]
    return "\n".join(lines) + "\n"


def _flicker(results: list[Result]) -> str:
    if not results:
        return "Temporal flicker: no clips."
    own = [r.flicker for r in results]
    line = f"Temporal flicker (1 is none): {mean(own):.4f} in the mean, {min(own):.4f} to {max(own):.4f}"
    true = [r.prompt.flicker for r in results if r.prompt.flicker is not None]
    return line + (f"; the true films of these prompts: {mean(true):.4f}, {min(true):.4f} to {max(true):.4f}." if true else ".")


def _csv(results: list[Result], path: Path) -> None:
    names = sorted({name for r in results for name in r.right}, key=lambda n: (not n.startswith("all"), n))
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["number", "prompt", "seed", *names, "identity", "flicker", "true_flicker", "seen", "expected"])
        word = {True: "right", False: "wrong", None: ""}
        for number, r in enumerate(results, 1):
            out.writerow([number, r.prompt.prompt, r.prompt.seed, *(word[r.right.get(n)] for n in names), word[r.identity],
                          f"{r.flicker:.5f}", r.prompt.flicker or "", r.seen, json.dumps(r.prompt.expected.json())])


def _sheets(results: list[Result], folder: Path) -> list[str]:
    for old in folder.glob("sheet-*.png"):
        old.unlink()
    names = []
    for start in range(0, len(results), SHEET_ROWS):
        rows = []
        for number, r in enumerate(results[start:start + SHEET_ROWS], start + 1):
            line = Image.new("RGB", (r.strip.shape[1], LINE), (25, 25, 25))
            verdict = f"wrong: {', '.join(r.wrong)}" if r.wrong else "right"
            ImageDraw.Draw(line).text((3, 1), f"{number}. {r.prompt.prompt} [{r.prompt.seed}]: {verdict}", (235, 235, 235))
            rows += [np.asarray(line), r.strip]
        width = max(row.shape[1] for row in rows)
        rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
        names.append(f"sheet-{start // SHEET_ROWS + 1:02d}.png")
        Image.fromarray(np.concatenate(rows)).save(folder / names[-1], optimize=True)
    return names
