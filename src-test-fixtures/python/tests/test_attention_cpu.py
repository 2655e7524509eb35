"""The compiled attention against PyTorch's in float64: outputs and every gradient."""

import unittest

import torch

from lingen_torch import layers
from tests.errors import relative
from train import attention_cpu
from train.native_cpu import unavailable


@unittest.skipIf(unavailable(), unavailable())
class AttentionCpuTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        attention_cpu.install()
        self.addCleanup(attention_cpu.uninstall)

    def compare(self, queries, keys, dtype=torch.float32, limit=2e-6, masked=False, batch=2, heads=3):
        # Parts of wider rows, as the projections leave them.
        rows = torch.randn(batch, max(queries, keys), 3, heads, 32).to(dtype)
        mask = None
        if masked:
            mask = torch.rand(batch, 1, 1, keys) < 0.6
            mask[..., 0] = True

        def results(attention, given):
            given = given.clone().requires_grad_()
            q, k, v = given.permute(2, 0, 3, 1, 4)
            y = attention(q[:, :, :queries], k[:, :, :keys], v[:, :, :keys], mask)
            weight = torch.linspace(-1, 1, y.numel()).view(y.shape).sin().to(dtype)
            return y, torch.autograd.grad((y * weight.to(y.dtype)).sum(), given)[0]

        for found, wanted in zip(results(layers.attention, rows), results(attention_cpu._original, rows.double())):
            self.assertEqual((dtype, wanted.shape), (found.dtype, found.shape))
            self.assertLess(relative(found, wanted), limit, (queries, keys, masked))

    def test_sizes(self):
        for queries, keys in ((1, 1), (64, 64), (128, 128), (5, 17), (130, 24), (7, 33)):
            self.compare(queries, keys)

    def test_masks(self):
        for queries, keys in ((64, 24), (9, 16), (3, 47)):
            self.compare(queries, keys, masked=True)

    def test_bfloat16(self):
        self.compare(64, 64, torch.bfloat16, 6e-3)
        self.compare(30, 24, torch.bfloat16, 6e-3, masked=True)

    def test_large_scores(self):
        q, k, v = (torch.randn(1, 1, 8, 32) * s for s in (100, 100, 1))
        self.assertLess(relative(layers.attention(q, k, v), attention_cpu._original(q.double(), k.double(), v.double())), 1e-4)

    def test_other_widths_and_biases_run_as_before(self):
        q, k, v = (torch.randn(2, 3, 5, 16) for _ in range(3))
        self.assertTrue(torch.equal(layers.attention(q, k, v), attention_cpu._original(q, k, v)))
        q, k, v = (torch.randn(2, 3, 5, 32) for _ in range(3))
        bias = torch.randn(3, 5, 5)
        self.assertTrue(torch.equal(layers.attention(q, k, v, bias), attention_cpu._original(q, k, v, bias)))


if __name__ == "__main__":
    unittest.main()
