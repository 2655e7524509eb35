"""The whole denoiser: tensor names, block wiring, batches, masks, gradients, precision, configuration errors."""

import math
import unittest

import torch

from fixtures.denoiser import build, inputs, run
from fixtures.seeded import fill, normal
from fixtures.variants import BASE, VARIANTS
from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser, patchify, unpatchify


def shapes_of_the_format(c):
    """The tensor table of the checkpoint layout, written out again from a configuration object."""
    d, depth = c["hidden_size"], c["depth"]
    p = c["in_channels"] * math.prod(c["patch_size"])
    shapes = {"patch_embed.weight": (d, p), "patch_embed.bias": (d,), "time_embed.fc1.weight": (d, 256),
              "time_embed.fc1.bias": (d,), "time_embed.fc2.weight": (d, d), "time_embed.fc2.bias": (d,),
              "adaln.weight": (6 * d, d), "adaln.bias": (6 * d,), "final.scale_shift_table": (2, d),
              "final.linear.weight": (p, d), "final.linear.bias": (p,)}
    shapes |= {f"pos_embed.{axis}": (n, d) for axis, n in zip("thw", c["max_grid"])}
    for i, width in enumerate(c["text_dims"]):
        shapes |= {f"text_proj.{i}.weight": (d, width), f"text_proj.{i}.bias": (d,), f"text_norm.{i}.weight": (d,),
                   f"text_norm.{i}.bias": (d,)}
    block = {"scale_shift_table": (6, d)}

    def linear(name, rows, columns, bias=True):
        block[f"{name}.weight"] = (rows, columns)
        if bias:
            block[f"{name}.bias"] = (rows,)

    linear("cross.q", d, d)
    linear("cross.kv", 2 * d, d)
    linear("cross.proj", d, d)
    linear("ffn.fc1", int(c["ffn_ratio"] * d), d)
    linear("ffn.fc2", d, int(c["ffn_ratio"] * d))
    if c["architecture"] == "dit":
        linear("attn.qkv", 3 * d, d)
        linear("attn.proj", d, d)
    if c.get("tesa"):
        inner = c["tesa"].get("inner_dim", d)
        linear("te.qkv", 3 * inner, d)
        linear("te.proj", d, inner)
        if c["tesa"].get("qk_norm"):
            block["te.q_norm.weight"] = block["te.k_norm.weight"] = (inner // c["num_heads"],)
        if c["tesa"].get("position_bias"):
            block["te.position_bias"] = (c["num_heads"], math.prod(2 * w - 1 for w in c["tesa"]["window"]))
    if c.get("ma"):
        m = c["mamba"]
        di, gn, n = m["expand"] * d, m["n_groups"] * m["d_state"], m["d_state"]
        heads = di // m["head_dim"]
        kind = m.get("directions", "shared")
        directions = ["fwd"] if kind == "tied" else ["fwd", "bwd"]
        if m.get("variant") == "mamba1":
            rank = math.ceil(d / 16)
            linear("ma.in_proj", 2 * di, d, bias=False)
            for way in directions:
                block |= {f"ma.{way}.conv.weight": (di, m["d_conv"]), f"ma.{way}.conv.bias": (di,),
                          f"ma.{way}.x_proj.weight": (rank + 2 * n, di), f"ma.{way}.dt_proj.weight": (di, rank),
                          f"ma.{way}.dt_proj.bias": (di,), f"ma.{way}.A_log": (di, n), f"ma.{way}.D": (di,)}
        else:
            for way in directions:
                block |= {f"ma.{way}.conv.weight": (di + 2 * gn, m["d_conv"]), f"ma.{way}.conv.bias": (di + 2 * gn,)}
                block |= {f"ma.{way}.{name}": (heads,) for name in ("dt_bias", "A_log", "D")}
                if kind == "independent":
                    linear(f"ma.{way}.in_proj", 2 * di + 2 * gn + heads, d, bias=False)
                    linear(f"ma.{way}.out_proj", d, di, bias=False)
                    block[f"ma.{way}.norm.weight"] = (di,)
            sets = {"shared": 2, "tied": 1, "independent": 0}[kind]
            if sets:
                linear("ma.in_proj", 2 * di + sets * (2 * gn + heads), d, bias=False)
        if kind != "independent":
            linear("ma.out_proj", d, di, bias=False)
            block["ma.norm.weight"] = (di,)
    return shapes | {f"blocks.{l}.{name}": shape for l in range(depth) for name, shape in block.items()}


class DenoiserTest(unittest.TestCase):

    def test_tensors_are_those_of_the_format(self):
        for name, variant in VARIANTS.items():
            with self.subTest(name):
                found = {n: tuple(v.shape) for n, v in Denoiser(DenoiserConfig.of(variant.config)).state_dict().items()}
                self.assertEqual(found, shapes_of_the_format(variant.config))

    def test_patches_are_channel_t_h_w(self):
        latent = torch.arange(2 * 3 * 4 * 6 * 4).view(2, 3, 4, 6, 4)
        tokens = patchify(latent, (2, 3, 1))
        for t, h, w in ((0, 0, 0), (1, 0, 2), (1, 1, 3)):
            row = [int(latent[1, c, 2 * t + a, 3 * h + b, w]) for c in range(3) for a in range(2) for b in range(3)]
            self.assertEqual(tokens[1, (t * 2 + h) * 4 + w].tolist(), row)
        self.assertTrue(torch.equal(unpatchify(tokens, (2, 2, 4), (2, 3, 1)), latent))
        with self.assertRaisesRegex(ValueError, "4x6x4.*multiples"):
            patchify(latent, (3, 1, 1))

    def test_wiring_around_the_branches(self):
        """Everything but the branches written out again, from the taps of the branches."""
        for name in ("lingen-default", "dit", "position-norm"):
            denoiser, values, taps = build(name).double(), inputs(name, VARIANTS[name].grid), {}
            out = run(denoiser, values, torch.float64, taps)
            w = denoiser.state_dict()
            norm = lambda x: (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-6)
            linear = lambda x, n: x @ w[f"{n}.weight"].T + w[f"{n}.bias"]
            silu = lambda x: x * torch.sigmoid(x)
            angle = [1000 * float(values["t"].double()) * math.exp(-math.log(10000) * i / 128) for i in range(128)]
            wave = torch.tensor([math.cos(a) for a in angle] + [math.sin(a) for a in angle], dtype=torch.float64)
            temb = linear(silu(linear(wave, "time_embed.fc1")), "time_embed.fc2")
            t0 = linear(silu(temb), "adaln").view(6, -1)
            T, H, W = VARIANTS[name].grid
            place = torch.stack([w["pos_embed.t"][t] + w["pos_embed.h"][h] + w["pos_embed.w"][x]
                                 for t in range(T) for h in range(H) for x in range(W)])
            text = norm(linear(values["text.0"].double(), "text_proj.0")) * w["text_norm.0.weight"] + w["text_norm.0.bias"]
            torch.testing.assert_close(taps["text"], text)
            X = linear(patchify(values["latent"][None].double(), denoiser.config.patch_size)[0], "patch_embed")
            for l in range(denoiser.config.depth):
                b1, s1, g1, b2, s2, g2 = w[f"blocks.{l}.scale_shift_table"] + t0
                positioned = X + place
                torch.testing.assert_close(taps[f"blocks.{l}.norm1"], norm(positioned) * (1 + s1) + b1)
                branches = [taps[f"blocks.{l}.{b}"] for b in ("ma", "te", "attn") if f"blocks.{l}.{b}" in taps]
                X = (X if name == "position-norm" else positioned) + g1 * sum(branches)
                X = X + self._cross(X, text, w, l, denoiser.config.num_heads)
                U = norm(X) * (1 + s2) + b2
                hidden = linear(U, f"blocks.{l}.ffn.fc1")
                gelu = 0.5 * hidden * (1 + torch.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden ** 3)))
                X = X + g2 * linear(gelu, f"blocks.{l}.ffn.fc2")
                torch.testing.assert_close(taps[f"blocks.{l}"], X)
            shift, scale = w["final.scale_shift_table"] + temb
            final = linear(norm(X) * (1 + scale) + shift, "final.linear")
            torch.testing.assert_close(out, unpatchify(final[None], (T, H, W), denoiser.config.patch_size)[0])

    @staticmethod
    def _cross(X, text, w, l, heads):
        linear = lambda x, n: x @ w[f"blocks.{l}.cross.{n}.weight"].T + w[f"blocks.{l}.cross.{n}.bias"]
        q, (k, v) = linear(X, "q"), linear(text, "kv").chunk(2, -1)
        rows = []
        for q, k, v in zip(q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1)):
            rows.append(torch.softmax(q @ k.T / math.sqrt(q.shape[1]), -1) @ v)
        return linear(torch.cat(rows, -1), "proj")

    def test_masked_text_is_absent_text(self):
        denoiser, values = build("two-text-encoders").double(), inputs("two-text-encoders", (2, 3, 2))
        expected = run(denoiser, values, torch.float64)
        for i in range(2):
            values[f"text.{i}"] = values[f"text.{i}"][values.pop(f"text_mask.{i}") != 0]
        torch.testing.assert_close(run(denoiser, values, torch.float64), expected)

    def test_a_batch_is_its_elements(self):
        for name in ("lingen-default", "zigzag", "qk-norm-position-bias"):
            denoiser = build(name).double()
            several = [inputs(name, (5, 3, 4), seed) for seed in (1, 2, 3)]
            latent, text = (torch.stack([v[key] for v in several]).double() for key in ("latent", "text.0"))
            mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]])
            t = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
            with torch.no_grad():
                found = denoiser(latent, t, [text], [mask])
                for b in range(3):
                    kept = int(mask[b].sum())
                    one = denoiser(latent[b:b + 1], t[b:b + 1], [text[b:b + 1, :kept]])
                    torch.testing.assert_close(found[b], one[0])

    def test_every_parameter_learns(self):
        for name in VARIANTS:
            denoiser = build(name)
            values = inputs(name, VARIANTS[name].grid)
            texts = [values[f"text.{i}"][None] for i in range(len(denoiser.text_proj))]
            denoiser(values["latent"][None], values["t"], texts).square().mean().backward()
            for parameter_name, parameter in denoiser.named_parameters():
                self.assertGreater(float(parameter.grad.abs().max()), 0, f"{name}: {parameter_name}")

    def test_gradients_do_not_depend_on_checkpoints_and_survive_autocast(self):
        values = inputs("lingen-default", (5, 3, 4))

        def gradient(checkpoint, autocast):
            denoiser = build("lingen-default")
            denoiser.checkpoint_blocks = checkpoint
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                out = denoiser(values["latent"][None], values["t"], [values["text.0"][None]])
            out.float().square().mean().backward()
            return torch.cat([p.grad.flatten() for p in denoiser.parameters()])

        expected = gradient(False, False)
        self.assertLess(float((gradient(True, False) - expected).norm() / expected.norm()), 1e-5)
        self.assertLess(float((gradient(False, True) - expected).norm() / expected.norm()), 3e-2)

    def test_a_fresh_denoiser_predicts_zero(self):
        values = inputs("lingen-default", (2, 2, 2))
        out = run(Denoiser(DenoiserConfig.of(VARIANTS["lingen-default"].config)), values, torch.float32)
        self.assertEqual(float(out.abs().max()), 0)


class ConfigTest(unittest.TestCase):

    def test_defaults(self):
        config = DenoiserConfig.of(BASE)
        self.assertEqual((config.position, config.scan_orders), ("residual", ("thw", "twh", "hwt", "wht")))
        self.assertEqual((config.mamba.variant, config.mamba.directions), ("mamba2", "shared"))
        self.assertEqual((config.tesa.inner_dim, config.tesa.qk_norm, config.tesa.position_bias), (16, False, False))

    def test_errors_name_field_found_and_expected(self):
        without = lambda name: {k: v for k, v in BASE.items() if k != name}
        bad = [({**BASE, "colour": 1}, "config.colour: found 1, expected no such field"),
               (without("depth"), "config.depth: found 'nothing'"),
               (without("review_pool"), "config.review_pool"),
               ({**BASE, "num_heads": 3}, "config.num_heads: found 3, expected a divisor of hidden_size = 16"),
               ({**BASE, "patch_size": [1, 2]}, "config.patch_size"),
               ({**BASE, "scan": "spiral"}, "config.scan: found 'spiral'"),
               ({**BASE, "scan_orders": ["tth"]}, "config.scan_orders"),
               ({**BASE, "ma": False, "tesa": None}, "config.tesa"),
               ({**BASE, "mamba": {**BASE["mamba"], "head_dim": 5}}, "mamba.head_dim: found 5"),
               ({**BASE, "mamba": {**BASE["mamba"], "variant": "mamba1", "directions": "tied"}}, "mamba.directions"),
               ({**BASE, "tesa": {"window": [2, 2, 2], "inner_dim": 7}}, "tesa.inner_dim: found 7, expected a multiple of"),
               ({**BASE, "architecture": "unet"}, "config.architecture: found 'unet', expected lingen or dit")]
        for values, message in bad:
            with self.subTest(message), self.assertRaises(ValueError) as raised:
                DenoiserConfig.of(values)
            self.assertIn(message, str(raised.exception))

    def test_grid_beyond_the_tables(self):
        denoiser = fill(Denoiser(DenoiserConfig.of(BASE)), 1)
        with self.assertRaisesRegex(ValueError, r"token grid: found \(9, 1, 1\), expected at most max_grid \(8, 8, 8\)"):
            denoiser(normal(1, 1, 4, 9, 2, 2), torch.tensor([0.5]), [normal(2, 1, 5, 12)])


if __name__ == "__main__":
    unittest.main()
