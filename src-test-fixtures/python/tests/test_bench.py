"""The timing peer's line protocol, as another program sees it."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

from fixtures.make import RESOURCES


class BenchTest(unittest.TestCase):

    def _start(self, *arguments):
        command = [sys.executable, "-m", "bench.denoiser_bench", "--threads", "1", "--grid", "5,3,4", *arguments]
        return subprocess.Popen(command, cwd=Path(__file__).parents[1], text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)

    def test_it_takes_turns(self):
        for name, precision in (("lingen-default", "bf16"), ("dit", "f32"), ("mamba1", "bf16")):
            with self.subTest(name), self._start("--transformer", str(RESOURCES / name / "transformer"), "--serve",
                                                 "--precision", precision, "--chunk-size", "8") as peer:
                ready = json.loads(peer.stdout.readline())
                self.assertEqual((ready["ready"], ready["precision"], ready["grid"]), (True, precision, [5, 3, 4]))
                for _ in range(2):
                    peer.stdin.write("run\n")
                    peer.stdin.flush()
                    self.assertGreater(float(peer.stdout.readline()), 0)
                peer.stdin.write("quit\n")
                peer.stdin.flush()
                self.assertEqual(peer.wait(), 0)

    def test_it_reports_a_median_of_seeded_weights(self):
        config = str(RESOURCES / "no-ma" / "transformer" / "config.json")
        with self._start("--config", config, "--set", "depth=1", "--set", "tesa.window=[2,2,2]", "--repeats", "3") as peer:
            report = json.loads(peer.communicate()[0])
            self.assertEqual(len(report["seconds"]), 3)
            self.assertEqual(sorted(report["seconds"])[1], report["median_s"])


if __name__ == "__main__":
    unittest.main()
