"""Muon on convolutions' kernels is Muon on the matrices that they are."""

import unittest

import torch
from torch import nn

from train.optimise import Muon, optimisers, set_rates

OPTIONS = dict(lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")


class MuonTest(unittest.TestCase):
    def test_a_kernel_steps_as_its_matrix_does(self):
        torch.manual_seed(1)
        kernel = nn.Parameter(torch.randn(4, 3, 3, 3))
        matrix = nn.Parameter(kernel.detach().clone().flatten(1))
        ours, torchs = Muon([kernel], **OPTIONS), torch.optim.Muon([matrix], **OPTIONS)
        for _ in range(3):
            kernel.grad = torch.randn_like(kernel)
            matrix.grad = kernel.grad.flatten(1)
            ours.step()
            torchs.step()
        torch.testing.assert_close(kernel.detach().flatten(1), matrix.detach(), rtol=0, atol=0)

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
