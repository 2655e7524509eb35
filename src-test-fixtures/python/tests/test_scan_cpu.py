"""The compiled direction of a Mamba2 against the one on PyTorch's operations: outputs and every gradient."""

import copy
import unittest

import torch

from lingen_torch.config import MambaConfig
from lingen_torch.mamba import Direction
from tests.errors import relative
from train import scan_cpu
from train.native_cpu import unavailable

HEADS, WIDTH, BATCH = 12, 32, 3
INNER = HEADS * WIDTH


@unittest.skipIf(unavailable(), unavailable())
class ScanCpuTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.direction = Direction(
            MambaConfig(d_state=32, d_conv=4, expand=2, head_dim=WIDTH, n_groups=1, chunk_size=64), INNER)
        with torch.no_grad():
            self.direction.D.normal_()
        scan_cpu.install()
        self.addCleanup(scan_cpu.uninstall)

    def rows(self, length, dtype):
        """Tokens as in_proj gives them: x, bc and dt are parts of wider rows."""
        return torch.randn(BATCH, length, 7 + INNER + 64 + HEADS).to(dtype)

    def results(self, direction, forward, rows, review_rows, weight, reverse):
        def cut(values):
            return values.split([7, INNER, 64, HEADS], -1)[1:]

        leaves = {"rows": rows.clone().requires_grad_()}
        if review_rows is not None:
            leaves["review"] = review_rows.clone().requires_grad_()
        review = cut(leaves["review"]) if "review" in leaves else None
        y = forward(direction, *cut(leaves["rows"]), review, reverse)
        leaves |= dict(direction.named_parameters())
        grads = torch.autograd.grad((y * weight.to(y.dtype)).sum(), list(leaves.values()))
        return {"y": y, **dict(zip(leaves, grads))}

    def compare(self, length, review, reverse, dtype=torch.float32, limit=1e-5):
        """Against PyTorch in float64.

        The gradients of dt_bias and A_log are small sums of large terms of either sign: what PyTorch itself loses there
        in float32 is the measure of what may be lost.
        """
        rows, review_rows = self.rows(length, dtype), self.rows(review, dtype) if review else None
        weight = torch.randn(BATCH, length, INNER).to(dtype)
        exact = self.results(copy.deepcopy(self.direction).double(), scan_cpu._original, rows.double(),
                             review_rows.double() if review else None, weight, reverse)
        usual = self.results(self.direction, scan_cpu._original, rows, review_rows, weight, reverse)
        found = self.results(self.direction, Direction.forward, rows, review_rows, weight, reverse)
        for name, value in exact.items():
            self.assertEqual((found[name].shape, found[name].dtype), (usual[name].shape, usual[name].dtype), name)
            if length + review == 1 and name == "A_log":
                self.assertLess(found[name].abs().max(), 1e-5)        # exactly zero without an earlier token
                continue
            allowed = max(limit, 10 * relative(usual[name], value) if name in ("A_log", "dt_bias") else 0)
            self.assertLess(relative(found[name], value), allowed, (name, length, review, reverse))

    def test_lengths_and_directions(self):
        for length in (1, 2, 64, 77, 130):
            for reverse in (False, True):
                self.compare(length, 0, reverse)

    def test_review(self):
        for review in (1, 2, 3, 5, 17, 32, 70):
            for length in (64, 77, 130):
                self.compare(length, review, False)

    def test_large_steps(self):
        with torch.no_grad():
            self.direction.dt_bias.add_(4)
        self.compare(130, 17, False)
        self.compare(130, 0, True)

    def test_bfloat16(self):
        self.compare(130, 17, False, torch.bfloat16, 0.02)
        self.compare(130, 0, True, torch.bfloat16, 0.02)

    def test_other_shapes_run_as_before(self):
        config = MambaConfig(d_state=16, d_conv=4, expand=2, head_dim=WIDTH, n_groups=1, chunk_size=64)
        other = Direction(config, INNER)
        parts = torch.randn(2, 9, INNER), torch.randn(2, 9, 32), torch.randn(2, 9, HEADS)
        self.assertTrue(torch.equal(other(*parts), scan_cpu._original(other, *parts)))


if __name__ == "__main__":
    unittest.main()
