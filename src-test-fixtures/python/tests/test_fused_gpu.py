"""The scan and the layers that train on a GPU compute what the plain ones do: on a GPU, or slowly in Triton's interpreter.

    TRITON_INTERPRET=1 python -m unittest tests.test_fused_gpu
"""

import importlib.util
import os
import unittest

import torch

from lingen_torch import mamba
from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from tests.errors import relative
from train.export import DENOISER

# Sums in another order, in float32; on a GPU also exponentials of other last digits.
BOUND = 2e-5
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
RUNS = importlib.util.find_spec("triton") is not None and (DEVICE == "cuda" or os.environ.get("TRITON_INTERPRET") == "1")
if RUNS:
    from train import fused_gpu


@unittest.skipUnless(RUNS, "needs Triton, and a GPU or its interpreter")
class FusedTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.model = Denoiser(DenoiserConfig.of({**DENOISER, "depth": 2})).to(DEVICE)
        for parameter in self.model.parameters():
            parameter.data += 0.02 * torch.randn(parameter.shape).to(DEVICE)
        self.addCleanup(fused_gpu.uninstall)

    def run_model(self, frames: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        torch.manual_seed(2)
        latent, times, text, mask = torch.randn(2, 16, frames, 8, 8), torch.rand(2), torch.randn(2, 9, 384), torch.ones(2, 9)
        mask[0, 5:] = 0
        latent, times, text, mask = (x.to(DEVICE) for x in (latent, times, text, mask))
        self.model.zero_grad()
        velocity = self.model(latent, times, [text], [mask])
        (velocity * torch.linspace(-1, 1, velocity.numel(), device=DEVICE).view(velocity.shape)).sum().backward()
        return velocity.detach(), {name: p.grad.clone() for name, p in self.model.named_parameters()}

    def test_velocity_and_gradients(self):
        # A part of a chunk, a whole one and a part, several; review tokens of less than the convolution's taps.
        for frames in (1, 5, 9):
            with self.subTest(frames):
                plain = mamba.Direction.forward
                expected, slopes = self.run_model(frames)
                fused_gpu.install()
                self.assertIsNot(plain, mamba.Direction.forward)
                found, ours = self.run_model(frames)
                fused_gpu.uninstall()
                self.assertIs(plain, mamba.Direction.forward)
                self.assertLess(relative(found, expected), BOUND)
                for name, slope in slopes.items():
                    self.assertLess(relative(ours[name], slope), BOUND, name)


if __name__ == "__main__":
    unittest.main()
