"""Prompts, counts, reports, and the way from prompts to MP4s: `python -m unittest tests.test_report`."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

from tests.test_world import thing
from world import prompts
from world.captions import COLOUR_WORDS, SHAPE_WORDS
from world.evaluate import Expected
from world.pipeline import find_clips
from world.prompts import Prompt
from world.render import FPS, Scene, held_out, render
from world.report import Result, tallies, write
from world.tally import Tally, table
from world.video import read_clip, write_clip

ROOT = Path(__file__).parents[1]
# Stands for the launcher: draws what the prompts ask for instead of generating it, and leaves finished clips alone.
LAUNCHER = """#!{python}
import json, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.test_report import FPS, render, scene_named, write_clip
arguments = dict(zip(sys.argv[3::2], sys.argv[4::2]))
assert sys.argv[1] == "batch" and arguments["--steps"] == "7", sys.argv
for number, line in enumerate(Path(sys.argv[2]).read_text().splitlines(), 1):
    row = json.loads(line)
    assert set(row) == {{"prompt", "seed", "seconds"}}, row
    target = Path(arguments["-o"]).with_name(f"clip-{{number:04d}}.mp4")
    if "fails" in row["prompt"]:
        sys.exit(1)
    if not target.exists():
        write_clip(target, render(scene_named(row["prompt"], row["seconds"])), FPS)
"""


def scene_named(prompt, seconds):
    colour, shape = prompt.split()[1:3]
    return Scene(seconds, "gray", (thing(colour=colour, shape=shape),))


def prompt_of(colour, shape, seconds=1.0, **changes):
    return Prompt(f"a {colour} {shape} moves right", 3, seconds,
                  Expected("gray", ({"colour": colour, "shape": shape, "motion": "right"} | changes,)), 0.99)


class PromptsTest(unittest.TestCase):
    def test_held_out_prompts_use_what_training_never_sees(self):
        made = prompts.make(12, 2.0, ("triples", "synonyms"), two=0.0, keep=1.0)
        for prompt in made:
            thing = prompt.expected.things[0]
            self.assertTrue(held_out(thing["shape"], thing["colour"], thing["motion"]))
            self.assertIn(COLOUR_WORDS[thing["colour"]][-1], prompt.prompt.lower())
            self.assertIn(SHAPE_WORDS[thing["shape"]][-1], prompt.prompt.lower())
        self.assertEqual(made, prompts.make(12, 2.0, ("triples", "synonyms"), two=0.0, keep=1.0))

    def test_prompts_come_back_from_their_file(self):
        with tempfile.TemporaryDirectory() as folder:
            made = prompts.make(3, 8.0, event=1.0)
            prompts.write(Path(folder) / "p.jsonl", made)
            self.assertEqual([p.json() for p in made], [p.json() for p in prompts.read(Path(folder) / "p.jsonl")])
            (Path(folder) / "bad.jsonl").write_text('{"prompt": "a circle"}\n')
            with self.assertRaisesRegex(ValueError, "line 1.*expected"):
                prompts.read(Path(folder) / "bad.jsonl")

    def test_the_prompts_by_hand_can_be_read(self):
        self.assertEqual(12, len(prompts.read(prompts.BY_HAND)))


class TallyTest(unittest.TestCase):
    def test_wilson_interval(self):
        low, high = Tally(8, 10).interval()
        self.assertAlmostEqual(0.490, low, 3)
        self.assertAlmostEqual(0.943, high, 3)
        self.assertEqual((0.0, 1.0), Tally().interval())
        self.assertGreater(Tally(400, 400).interval()[0], 0.99)

    def test_table_leaves_out_what_nobody_has(self):
        self.assertEqual(["| clips | all |", "|---|---|", "| a | 1/2 (50.0 %) |"], table("clips", [("a", {"all": Tally(1, 2)})], ("all", "event")))


class ReportTest(unittest.TestCase):
    def test_counts_sheets_and_rows(self):
        clip = render(scene_named("a red star", 1.0))
        results = [Result.of(prompt_of("red", "star"), clip, FPS), Result.of(prompt_of("red", "ring"), clip, FPS)]
        found = tallies(results)
        self.assertEqual([(2, 2), (1, 2), (1, 2)], [(found[n].right, found[n].total) for n in ("colour", "shape", "all")])
        with tempfile.TemporaryDirectory() as folder:
            text = write(results, Path(folder), "title")
            self.assertIn("| shape | 1/2 | 50.0 % |", text)
            self.assertIn("- shape: ring 0/1, star 1/1", text)
            self.assertIn("- motion: right 2/2", text)
            self.assertIn("the true films of these prompts: 0.9900", text)
            self.assertTrue((Path(folder) / "sheet-01.png").exists())
            with (Path(folder) / "results.csv").open() as file:
                rows = list(csv.DictReader(file))
            self.assertEqual(["right", "wrong"], [row["shape.0"] for row in rows])


class PipelineTest(unittest.TestCase):
    def run_it(self, folder, *options):
        command = [sys.executable, "-m", "world.pipeline", "--prompts", folder / "p.jsonl", "--report", folder / "report", *options]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def test_from_prompts_to_a_report(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "lingen").write_text(LAUNCHER.format(python=sys.executable, root=str(ROOT)))
            (folder / "lingen").chmod(0o755)
            prompts.write(folder / "p.jsonl", [prompt_of("blue", "square"), prompt_of("white", "ring"), prompt_of("fails", "circle")])
            done = self.run_it(folder, "--lingen", folder / "lingen", "--steps", "7")
            self.assertEqual(1, done.returncode, done.stderr)
            self.assertIn("clips are missing: 3", done.stderr)
            self.assertIn("| all | 2/2 | 100.0 % |", (folder / "report" / "report.md").read_text())
            self.assertEqual([1, 2], sorted(find_clips(folder / "report" / "clips")))
            clip, rate = read_clip(folder / "report" / "clips" / "clip-0001.mp4")
            self.assertEqual(((16, 128, 128, 3), 16), (clip.shape, rate))
            self.assertLess(np.abs(clip.astype(int) - render(scene_named("a blue square", 1.0))).mean(), 4)
            done = self.run_it(folder, "--clips", folder / "report" / "clips", "--first", "2")
            self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    unittest.main()
