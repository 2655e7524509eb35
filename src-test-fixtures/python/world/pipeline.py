"""Evaluates the whole way from prompts to MP4s: runs `lingen generate` on a file of prompts, judges the clips, writes a report.

    python -m world.prompts  --output heldout.jsonl --make 50 --seconds 17 --held-out triples synonyms
    python -m world.pipeline --prompts heldout.jsonl --report DIR
    python -m world.pipeline --prompts heldout.jsonl --report DIR --clips FOLDER      clips that are there already

Clips are DIR/clips/clip-0001.mp4 and so on, the line of the prompt in the name; with --clips any names that end so. All prompts
go to one `lingen` process, and clips that are finished are not made again, so an interrupted run goes on. DIR gets report.md,
results.csv, sheet-01.png and so on. The exit status is 1 if a clip is missing; the others are judged all the same.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from world.prompts import Prompt, read
from world.report import Result, write
from world.video import read_clip

LINGEN = Path(__file__).parents[3] / "lingen"
PASSED_ON = ("model", "steps", "guidance", "schedule", "eta", "backend", "precision", "threads")


def generate(prompts: list[Prompt], folder: Path, lingen: Path, options: list[str]) -> None:
    """Makes what is missing of folder/clips; `options` are passed on to `lingen batch`."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    requests = folder / "requests.jsonl"
    rows = [{"prompt": p.prompt, "seed": p.seed} | ({"seconds": p.seconds} if p.seconds is not None else {}) for p in prompts]
    requests.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [str(lingen.resolve()), "batch", str(requests), "-o", str(folder / "clips" / "clip.mp4"), *options]
    done = subprocess.run(command, check=False)
    if done.returncode:
        print(f"{' '.join(command)}\nended with {done.returncode}; what it has made is judged", file=sys.stderr)


def find_clips(folder: Path) -> dict[int, Path]:
    """Number to file, by the last number in the name."""
    found = {}
    for path in sorted(folder.iterdir()):
        number = re.search(r"(\d+)\.(mp4|webm|mkv)$", path.name)
        if number:
            found[int(number[1])] = path
    return found


def judge_all(prompts: list[Prompt], clips: dict[int, Path]) -> list[Result]:
    results = []
    for number, prompt in enumerate(prompts, 1):
        if number in clips:
            results.append(Result.of(prompt, *read_clip(clips[number])))
            print(f"{number}: {prompt.prompt}\n    {'wrong: ' + ', '.join(results[-1].wrong) if results[-1].wrong else 'right'}; "
                  f"seen {results[-1].seen}", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True, help="folder of the report, and of the clips unless --clips names another")
    parser.add_argument("--clips", type=Path, help="judge the clips of this folder and generate nothing")
    parser.add_argument("--lingen", type=Path, default=LINGEN, help="the launcher")
    parser.add_argument("--first", type=int, help="only that many prompts")
    parser.add_argument("--seconds", type=float, help="instead of the prompts' own lengths")
    for name in PASSED_ON:
        parser.add_argument(f"--{name}", help="passed on to lingen")
    args = parser.parse_args()
    prompts = read(args.prompts)[: args.first]
    if args.seconds is not None:
        prompts = [Prompt(p.prompt, p.seed, args.seconds, p.expected) for p in prompts]
    options = [part for name in PASSED_ON
               if (value := getattr(args, name)) is not None for part in (f"--{name}", value)]
    if args.clips is None:
        generate(prompts, args.report, args.lingen, options)
    clips = find_clips(args.clips or args.report / "clips")
    results = judge_all(prompts, clips)
    text = write(results, args.report, f"{args.prompts.name}{' with ' + ' '.join(options) if options else ''}")
    print(text[: text.index("| | prompt")])
    missing = [str(n) for n in range(1, len(prompts) + 1) if n not in clips]
    if missing:
        sys.exit(f"clips are missing: {', '.join(missing)}")


if __name__ == "__main__":
    main()
