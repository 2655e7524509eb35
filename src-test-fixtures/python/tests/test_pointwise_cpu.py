"""The compiled layers between matrix products against PyTorch's in float64: outputs and every gradient."""

import unittest

import torch
from torch.nn import functional as F

from lingen_torch import denoiser, layers, mamba
from lingen_torch.layers import FeedForward
from tests.errors import relative
from train import pointwise_cpu
from train.native_cpu import unavailable


@unittest.skipIf(unavailable(), unavailable())
class PointwiseCpuTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        pointwise_cpu.install()
        self.addCleanup(pointwise_cpu.uninstall)

    def compare(self, found, expected, inputs, limits):
        """Both functions on the inputs, the expected one in float64."""
        for dtypes, limit in limits:
            given = [x.to(d).requires_grad_() for x, d in zip(inputs, dtypes)]
            exact = [x.detach().double().requires_grad_() for x in given]
            y, wanted = found(*given), expected(*exact)
            weight = torch.randn_like(wanted)
            grads = torch.autograd.grad((y * weight.to(y.dtype)).sum(), given)
            wanted_grads = torch.autograd.grad((wanted * weight.to(y.dtype).double()).sum(), exact)
            for index, (a, b, x) in enumerate(zip((y, *grads), (wanted, *wanted_grads), (y, *given))):
                self.assertEqual(a.dtype, x.dtype)
                self.assertLess(relative(a, b), limit, (dtypes, index))

    WIDE, HALF = torch.float32, torch.bfloat16

    def test_modulated_norm(self):
        inputs = 3 + torch.randn(3, 7, 48) * 2, torch.randn(3, 48), torch.randn(3, 48)
        self.compare(denoiser.modulated_norm, pointwise_cpu._ORIGINALS["modulated_norm"], inputs,
                     [([self.WIDE] * 3, 1e-6), ([self.HALF, self.WIDE, self.WIDE], 4e-3)])

    def test_modulated_norm_in_half_precision_of_a_wide_stream(self):
        x, shift, scale = (torch.randn(s, requires_grad=True) for s in ((2, 5, 32), (2, 32), (2, 32)))
        with torch.autocast("cpu", torch.bfloat16):
            y = denoiser.modulated_norm(x, shift, scale)
        self.assertEqual(torch.bfloat16, y.dtype)
        self.assertLess(relative(y, pointwise_cpu._ORIGINALS["modulated_norm"](x, shift, scale)), 4e-3)
        self.assertEqual(torch.float32, torch.autograd.grad(y.sum(), x)[0].dtype)

    def test_gated_sum(self):
        inputs = torch.randn(3, 7, 48), torch.randn(3, 48), torch.randn(3, 7, 48)
        self.compare(denoiser.gated_sum, pointwise_cpu._ORIGINALS["gated_sum"], inputs,
                     [([self.WIDE] * 3, 1e-6), ([self.WIDE, self.WIDE, self.HALF], 4e-3), ([self.HALF, self.WIDE, self.HALF], 4e-3)])

    def test_gated_rms_norm_of_a_part_of_wider_rows(self):
        exact = lambda y, rows, weight: y_norm(y, rows[..., 5:53], weight)

        def y_norm(y, z, weight):
            gated = y * F.silu(z)
            return gated * torch.rsqrt(gated.square().mean(-1, keepdim=True) + 1e-5) * weight

        found = lambda y, rows, weight: mamba.gated_rms_norm(y, rows[..., 5:53], weight, 1e-5)
        inputs = torch.randn(3, 7, 48), torch.randn(3, 7, 60), torch.randn(48)
        self.compare(found, exact, inputs, [([self.WIDE] * 3, 1e-6), ([self.HALF, self.HALF, self.WIDE], 4e-3)])

    def test_feed_forward(self):
        part = FeedForward(48, 96)
        x = torch.randn(2, 9, 48, requires_grad=True)
        exact = pointwise_cpu._ORIGINALS["feed_forward"]
        weight = torch.randn(2, 9, 48)
        leaves = [x, *part.parameters()]
        found, wanted = part(x), exact(part, x)
        self.assertLess(relative(found, wanted), 1e-6)
        for a, b in zip(torch.autograd.grad((found * weight).sum(), leaves), torch.autograd.grad((wanted * weight).sum(), leaves)):
            self.assertLess(relative(a, b), 2e-6)

    def test_gelu_of_large_values(self):
        x = torch.tensor([-200.0, -30, -6, -1, -1e-3, 0, 1e-3, 1, 6, 30, 200, 3, -3, 2, -2, 0.5], requires_grad=True)
        y = pointwise_cpu.Gelu.apply(x)
        exact = x.detach().double().requires_grad_()
        wanted = F.gelu(exact, approximate="tanh")
        torch.testing.assert_close(y.double(), wanted, atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0].double(), torch.autograd.grad(wanted.sum(), exact)[0], atol=1e-6, rtol=1e-6)

    def test_other_widths_run_as_before(self):
        x, shift, scale = torch.randn(2, 5, 20), torch.randn(2, 20), torch.randn(2, 20)
        self.assertTrue(torch.equal(denoiser.modulated_norm(x, shift, scale), layers.modulated_norm(x, shift, scale)))
        self.assertTrue(torch.equal(denoiser.gated_sum(x, shift, x), layers.gated_sum(x, shift, x)))


if __name__ == "__main__":
    unittest.main()
