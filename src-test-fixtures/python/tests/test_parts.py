"""Every operator against its plain definition, in double precision."""

import itertools
import math
import unittest

import torch

from lingen_torch import scan
from lingen_torch.config import MambaConfig, TesaConfig
from lingen_torch.mamba import mamba
from lingen_torch.ssd import DepthwiseConv, ssd
from lingen_torch.tesa import TemporalSwinAttention, cuts

from . import naive


def randomised(module, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.data = parameter.data.double() + 0.3 * noise
    return module


def parameters(module):
    return {name: p.detach() for name, p in module.named_parameters()}


class ScanTest(unittest.TestCase):

    def assertNear(self, found, expected, tolerance=1e-12):
        self.assertEqual(found.shape, expected.shape)
        error = float((found - expected).norm() / expected.norm())
        self.assertLess(error, tolerance)

    def test_mamba_is_the_recurrence_over_review_and_tokens(self):
        d = 16
        base = dict(d_state=6, d_conv=4, expand=2, head_dim=4, n_groups=1, chunk_size=5)
        variants = [dict(), dict(n_groups=2), dict(n_groups=4, d_conv=2), dict(directions="independent", n_groups=2),
                    dict(directions="tied"), dict(d_conv=1), dict(variant="mamba1")]
        for number, variant in enumerate(variants):
            config = MambaConfig.of({**base, **variant}, d)
            module = randomised(mamba(config, d), number)
            plain = naive.bidirectional_mamba1 if config.variant == "mamba1" else naive.bidirectional_mamba2
            generator = torch.Generator().manual_seed(number)
            for length, reviewed in ((23, 7), (20, 2), (1, 1), (3, 0)):
                u = torch.randn(2, length, d, generator=generator, dtype=torch.float64)
                review = torch.randn(2, reviewed, d, generator=generator, dtype=torch.float64) if reviewed else None
                with self.subTest(variant=variant, length=length, reviewed=reviewed), torch.no_grad():
                    found = module(u, review)
                    for b in range(2):
                        expected = plain(u[b], None if review is None else review[b], parameters(module), config, d)
                        self.assertNear(found[b], expected)

    def test_result_does_not_depend_on_the_chunk_size(self):
        generator = torch.Generator().manual_seed(3)
        draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)
        x, B, C, D = draw(2, 37, 6, 5), draw(2, 37, 3, 4), draw(2, 37, 3, 4), draw(6)
        dt, A, state = draw(2, 37, 6).exp(), -draw(6).exp(), draw(2, 3, 4, 10)
        for reverse in (False, True):
            expected = ssd(x, dt, A, B, C, D, 1, state, reverse)
            for chunk in (2, 3, 7, 12, 36, 37, 38, 64):
                with self.subTest(reverse=reverse, chunk=chunk):
                    self.assertNear(ssd(x, dt, A, B, C, D, chunk, state, reverse), expected)

    def test_strong_decay_does_not_overflow(self):
        x = torch.ones(1, 64, 2, 4)
        dt, A = torch.full((1, 64, 2), 20.0), torch.tensor([-16.0, -1.0])
        for reverse in (False, True):
            y = ssd(x, dt, A, torch.ones(1, 64, 1, 3), torch.ones(1, 64, 1, 3), torch.zeros(2), 16, None, reverse)
            self.assertNear(y, torch.full((1, 64, 2, 4), 60.0), 1e-6)

    def test_gradients(self):
        config = MambaConfig.of(dict(d_state=3, d_conv=3, expand=2, head_dim=4, n_groups=2, chunk_size=4), 8)
        module = randomised(mamba(config, 8), 1)
        u = torch.randn(1, 6, 8, dtype=torch.float64, requires_grad=True)
        review = torch.randn(1, 3, 8, dtype=torch.float64, requires_grad=True)
        self.assertTrue(torch.autograd.gradcheck(module, (u, review)))
        conv = randomised(DepthwiseConv(5, 4), 2)
        x = torch.randn(2, 7, 5, dtype=torch.float64, requires_grad=True)
        left = torch.randn(2, 2, 5, dtype=torch.float64, requires_grad=True)
        arguments = lambda x, left, weight, bias: torch.func.functional_call(
            conv, {"weight": weight, "bias": bias}, (x, slice(None), left))
        self.assertTrue(torch.autograd.gradcheck(arguments, (x, left, conv.weight, conv.bias)))


class OrderTest(unittest.TestCase):

    GRID = (3, 4, 5)

    def test_orders_visit_as_named_and_return(self):
        grid = self.GRID
        place = torch.tensor(list(itertools.product(*map(range, grid)))).view(1, *grid, 3)
        for order in map("".join, itertools.permutations("thw")):
            sizes = [grid["thw".index(a)] for a in order]
            expected = []
            for visit in itertools.product(*map(range, sizes)):
                expected.append([visit[order.index(a)] for a in "thw"])
            found = scan.flatten(place, order)
            self.assertEqual(found[0].tolist(), expected)
            self.assertTrue(torch.equal(scan.unflatten(found, grid, order), place.flatten(1, 3)))
            snake = scan.flatten(place, order, zigzag=True)
            self.assertTrue(torch.equal(scan.unflatten(snake, grid, order, zigzag=True), place.flatten(1, 3)))

    def test_zigzag_steps_are_neighbours(self):
        for sizes in ((3, 4, 5), (4, 3, 2), (1, 5, 1), (2, 2, 3)):
            index, inverse = scan.zigzag_permutation(sizes)
            place = torch.tensor(list(itertools.product(*map(range, sizes))))[index]
            self.assertTrue(bool(((place[1:] - place[:-1]).abs().sum(1) == 1).all()))
            self.assertEqual(index[inverse].tolist(), list(range(math.prod(sizes))))

    def test_review_tokens_average_the_cells_that_exist(self):
        u = torch.randn(2, 5, 4, 7, 3, dtype=torch.float64)
        for pool in ((2, 2, 2), (3, 2, 1), (1, 1, 1), (8, 8, 8), (4, 3, 2)):
            found = scan.review_tokens(u, pool)
            for b in range(2):
                torch.testing.assert_close(found[b], naive.pooled(u[b], pool), rtol=1e-13, atol=1e-13)


class WindowTest(unittest.TestCase):

    def test_cuts(self):
        self.assertEqual(cuts(10, 4, False), [0, 4, 8, 10])
        self.assertEqual(cuts(10, 4, True), [0, 2, 6, 10])
        self.assertEqual(cuts(11, 5, True), [0, 2, 7, 11])
        self.assertEqual(cuts(4, 4, True), [0, 4])
        self.assertEqual(cuts(3, 1, True), [0, 1, 2, 3])

    def _check(self, grid, window, shifted, expected_allowed=None, **switches):
        d, heads = 12, 2
        config = TesaConfig.of(dict(window=list(window), inner_dim=8, **switches), d, heads)
        module = randomised(TemporalSwinAttention(config, d, heads, shifted), 5)
        u = torch.randn(2, math.prod(grid), d, dtype=torch.float64)
        with torch.no_grad():
            found = module(u, grid)
            place = torch.tensor(list(itertools.product(*map(range, grid))))
            cell = torch.stack([torch.bucketize(place[:, a].contiguous(), torch.tensor(cuts(grid[a], window[a], shifted)[1:]), right=True)
                                for a in range(3)], 1)
            allowed = (cell[:, None] == cell[None]).all(-1)
            q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in module.qkv(u).chunk(3, -1))
            if config.qk_norm:
                q, k = (x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * w
                        for x, w in ((q, module.q_norm.weight), (k, module.k_norm.weight)))
            bias = 0.0
            if config.position_bias:
                bias = torch.zeros(heads, len(place), len(place), dtype=torch.float64)
                for i, j in itertools.product(range(len(place)), repeat=2):
                    if allowed[i, j]:
                        a, b, c = (int(place[i, x] - place[j, x]) + window[x] - 1 for x in range(3))
                        index = (a * (2 * window[1] - 1) + b) * (2 * window[2] - 1) + c
                        bias[:, i, j] = module.position_bias[:, index]
            for b in range(2):
                out = naive.attention(q[b], k[b], v[b], allowed, bias).transpose(0, 1).flatten(1)
                torch.testing.assert_close(found[b], module.proj(out), rtol=1e-11, atol=1e-12)

    def test_windows_are_masked_attention(self):
        for shifted in (False, True):
            self._check((5, 6, 7), (4, 3, 2), shifted)
            self._check((3, 4, 4), (4, 2, 4), shifted)
            self._check((5, 5, 4), (2, 4, 3), shifted, qk_norm=True, position_bias=True)

    def test_shifted_windows_are_masked_cyclic_swin(self):
        """Swin's construction: roll by minus the shift, cut evenly, mask what was not adjacent, roll back."""
        grid, window, d, heads = (8, 4, 12), (4, 2, 4), 12, 2
        module = randomised(TemporalSwinAttention(TesaConfig.of(dict(window=list(window)), d, heads), d, heads, True), 6)
        shift = [w // 2 for w in window]
        u = torch.randn(1, math.prod(grid), d, dtype=torch.float64)
        with torch.no_grad():
            region = torch.zeros(*grid, 3, dtype=torch.long)
            for axis in range(3):
                n, w = grid[axis], window[axis]
                band = torch.zeros(n, dtype=torch.long)
                band[n - w:n - shift[axis]] = 1
                band[n - shift[axis]:] = 2
                region[..., axis] = band.view([-1 if a == axis else 1 for a in range(3)])
            rolled = torch.roll(u.view(grid + (d,)), [-s for s in shift], (0, 1, 2))
            out = torch.zeros_like(rolled)
            for corner in itertools.product(*(range(0, n, w) for n, w in zip(grid, window))):
                box = tuple(slice(c, c + w) for c, w in zip(corner, window))
                tokens, bands = rolled[box].reshape(-1, d), region[box].reshape(-1, 3)
                allowed = (bands[:, None] == bands[None]).all(-1)
                q, k, v = (p.unflatten(-1, (heads, -1)).transpose(0, 1) for p in module.qkv(tokens).chunk(3, -1))
                mixed = module.proj(naive.attention(q, k, v, allowed).transpose(0, 1).flatten(1))
                out[box] = mixed.view(*window, d)
            expected = torch.roll(out, shift, (0, 1, 2)).view(1, -1, d)
            torch.testing.assert_close(module(u, grid), expected, rtol=1e-11, atol=1e-12)


if __name__ == "__main__":
    unittest.main()
