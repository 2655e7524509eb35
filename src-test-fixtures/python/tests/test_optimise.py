"""Muon steps as torch's does, kernels as the matrices that they are."""

import unittest

import torch
from torch import nn

from train.optimise import Muon, optimisers, set_rates

OPTIONS = dict(lr=0.1, weight_decay=0.01)
# Both iterate in bfloat16, in products of other shapes: a step of about 0.1 * 0.2 may differ by this.
ROUNDING = 1e-3


class MuonTest(unittest.TestCase):
    def test_kernels_and_matrices_step_as_torchs_matrices_do(self):
        torch.manual_seed(1)
        parameters = [nn.Parameter(torch.randn(*shape)) for shape in ((6, 3, 3, 3), (6, 27), (40, 6), (6, 27), (40, 2, 3))]
        matrices = [nn.Parameter(p.detach().clone().flatten(1)) for p in parameters]
        ours, torchs = Muon(parameters, **OPTIONS), torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **OPTIONS)
        for _ in range(3):
            for p, m in zip(parameters, matrices):
                p.grad = torch.randn_like(p)
                m.grad = p.grad.flatten(1)
            ours.step()
            torchs.step()
        for p, m in zip(parameters, matrices):
            torch.testing.assert_close(p.detach().flatten(1), m.detach(), rtol=0, atol=ROUNDING)

    def test_a_kernel_without_gradient_stays(self):
        kernel = nn.Parameter(torch.ones(2, 2, 3))
        Muon([kernel], **OPTIONS).step()
        torch.testing.assert_close(kernel.detach(), torch.ones(2, 2, 3), rtol=0, atol=0)

    def test_the_state_survives_a_checkpoint(self):
        torch.manual_seed(2)
        start, first, second = torch.randn(4, 3, 3), torch.randn(4, 3, 3), torch.randn(4, 3, 3)

        def run(restart):
            kernel = nn.Parameter(start.clone())
            stepper = Muon([kernel], **OPTIONS)
            kernel.grad = first
            stepper.step()
            if restart:
                saved, kernel = stepper.state_dict(), nn.Parameter(kernel.detach().clone())
                stepper = Muon([kernel], **OPTIONS)
                stepper.load_state_dict(saved)
            kernel.grad = second
            stepper.step()
            return kernel.detach()

        torch.testing.assert_close(run(True), run(False), rtol=0, atol=0)

    def test_rates(self):
        steppers = optimisers([nn.Parameter(torch.ones(2, 2))], [nn.Parameter(torch.ones(2))], 1.0)
        set_rates(steppers, 0.5)
        self.assertEqual([0.5, 0.25], [group["lr"] for stepper in steppers for group in stepper.param_groups])


if __name__ == "__main__":
    unittest.main()
