"""Schedules, guidance and noise against their published values."""

import unittest

import torch

from lingen_torch import sampler
from lingen_torch.noise import normals, philox, seed_of_step


class ScheduleTest(unittest.TestCase):

    def test_published_values(self):
        t = sampler.linear_quadratic(50)
        for index, expected in {0: 0, 1: .004, 25: .1, 26: .10528, 30: .152, 40: .448, 49: .93328, 50: 1}.items():
            self.assertAlmostEqual(t[index], expected, places=12)

    def test_every_schedule_rises_from_0_to_1(self):
        for schedule in (sampler.linear_quadratic, sampler.uniform, sampler.shifted):
            for n in (1, 2, 3, 4, 5, 7, 8, 49, 50, 249, 250, 251, 500, 1000):
                t = schedule(n)
                self.assertEqual((len(t), t[0], t[-1]), (n + 1, 0.0, 1.0))
                self.assertTrue(all(a < b for a, b in zip(t, t[1:])), (schedule, n))

    def test_shift(self):
        self.assertAlmostEqual(sampler.shifted(2)[1], 0.25)
        self.assertEqual(sampler.shifted(6, 1.0), sampler.uniform(6))

    def test_names(self):
        for name, times in {"linear_quadratic": sampler.linear_quadratic(7), "uniform": sampler.uniform(7), "shifted": sampler.shifted(7),
                            "shifted:6": sampler.shifted(7, 6.0)}.items():
            self.assertEqual(sampler.named(name)(7), times)
        for name in ("cubic", "shifted:much", "shifted:0", "shifted:inf", "shifted:nan"):
            self.assertRaises(ValueError, sampler.named, name)


class SamplingTest(unittest.TestCase):

    def test_straight_field_reaches_the_data(self):
        noise, data = torch.randn(3, 4), torch.randn(3, 4)
        for schedule in (sampler.linear_quadratic, sampler.uniform, sampler.shifted):
            *_, last = sampler.sample(lambda x, t: data - noise, noise, schedule(7))
            torch.testing.assert_close(last, data)

    def test_fresh_noise_keeps_the_distribution(self):
        # Normal data of deviation 0.5 have this velocity field; whatever eta, its samples have that deviation.
        variance = 0.25
        generator = torch.Generator().manual_seed(3)
        fresh = lambda step: torch.randn(100000, generator=generator, dtype=torch.float64)
        field = lambda x, t: x * (t * variance - (1 - t)) / (t * t * variance + (1 - t) ** 2)
        for eta in (0.0, 0.5, 1.0):
            *_, last = sampler.sample(field, fresh(0), sampler.uniform(400), eta, fresh)
            self.assertAlmostEqual(float(last.std()), 0.5, delta=0.01)

    def test_guidance(self):
        def forbidden(x, t):
            raise AssertionError("scale 1 needs no unconditional half")

        one = sampler.guided(lambda x, t: x, forbidden, 1)
        self.assertEqual(one(2.0, 0.0), 2.0)
        self.assertEqual(sampler.guided(lambda x, t: 3.0, lambda x, t: 1.0, 7.5)(0.0, 0.0), 16.0)


class NoiseTest(unittest.TestCase):

    KNOWN_ANSWERS = [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1")]

    def test_random123_known_answers(self):
        words = lambda text: [int(word, 16) for word in text.split()]
        for counter, key, output in self.KNOWN_ANSWERS:
            self.assertEqual(philox(words(counter), words(key)).tolist(), words(output))

    def test_seeds_of_steps_are_splitmix64(self):
        # The generator's first outputs from the state 1234567, as its authors' program prints them.
        known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
        self.assertEqual([seed_of_step(1234567, step) for step in range(3)], known)

    def test_elements_do_not_depend_on_the_slice(self):
        whole = normals(-7, 0, 64)
        for start, count in ((0, 1), (3, 7), (5, 59), (61, 3)):
            self.assertEqual(normals(-7, start, count).tolist(), whole[start:start + count].tolist())
        self.assertLess(abs(float(normals(1, 0, 100000).mean())), 0.01)
        self.assertAlmostEqual(float(normals(1, 0, 100000).std()), 1, delta=0.01)


if __name__ == "__main__":
    unittest.main()
