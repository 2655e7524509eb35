"""The autoencoder against its definition written with 3-D convolutions; tiles against the whole."""

import json
import tempfile
import unittest
from pathlib import Path

import torch
import torch.nn.functional as F

from fixtures.autoencoder import VARIANTS, build, inputs
from lingen_torch.autoencoder import Autoencoder, AutoencoderConfig
from lingen_torch.tiling import decode_tiled, tile_ranges
from train.grow import grow


class Plain:
    """Encoder and decoder from tensors by name, clips as [C, T, H, W]."""

    def __init__(self, config, tensors):
        self.c, self.w = config, tensors

    def inflated(self, x, name, stride=(1, 1, 1)):
        spatial, temporal = self.w[f"{name}.spatial.weight"], self.w[f"{name}.temporal.weight"]
        x = F.conv3d(x, spatial[:, :, None], self.w[f"{name}.spatial.bias"], (1, *stride[1:]), (0, 1, 1))
        return F.conv3d(x, temporal[..., None, None], self.w[f"{name}.temporal.bias"], (stride[0], 1, 1), (1, 0, 0))

    def norm(self, x, name):
        weight, bias = self.w[f"{name}.weight"], self.w[f"{name}.bias"]
        frames = []
        for t in range(x.shape[1]):
            g = x[:, t].reshape(self.c["norm_groups"], -1)
            g = (g - g.mean(1, keepdim=True)) / torch.sqrt(g.var(1, unbiased=False, keepdim=True) + 1e-6)
            frames.append(g.view(x[:, t].shape) * weight[:, None, None] + bias[:, None, None])
        return torch.stack(frames, 1)

    def residual(self, x, name):
        h = self.inflated(F.silu(self.norm(x, f"{name}.norm1")), f"{name}.conv1")
        h = self.inflated(F.silu(self.norm(h, f"{name}.norm2")), f"{name}.conv2")
        if f"{name}.shortcut.weight" in self.w:
            x = torch.einsum("oi,ithw->othw", self.w[f"{name}.shortcut.weight"], x)
            x = x + self.w[f"{name}.shortcut.bias"][:, None, None, None]
        return x + h

    def attention(self, x, name):
        for part in ("spatial", "temporal"):
            w = lambda suffix: self.w[f"{name}.{part}.{suffix}"]
            u = self.norm(x, f"{name}.{part}.norm")
            groups = u.flatten(2).permute(1, 2, 0) if part == "spatial" else u.flatten(2).permute(2, 1, 0)
            out = []
            for tokens in groups:                                                     # [n, C]
                mixed = []
                heads = self.c["attention_heads"]
                q, k, v = (tokens @ w("qkv.weight").T + w("qkv.bias")).chunk(3, 1)
                for q, k, v in zip(q.chunk(heads, 1), k.chunk(heads, 1), v.chunk(heads, 1)):
                    mixed.append(torch.softmax(q @ k.T / q.shape[1] ** 0.5, 1) @ v)
                out.append(torch.cat(mixed, 1) @ w("proj.weight").T + w("proj.bias"))
            out = torch.stack(out)
            x = x + (out.permute(2, 0, 1) if part == "spatial" else out.permute(2, 1, 0)).reshape(x.shape)
        return x

    def middle(self, x, name, layers):
        for j in range(layers):
            x = self.residual(x, f"{name}.res.{j}")
            if j == 0 and self.c["attention"]:
                x = self.attention(x, f"{name}.attn")
        return x

    def affine(self):
        return (torch.tensor(self.c[n], dtype=torch.float64)[:, None, None, None] for n in ("latent_mean", "latent_std"))

    def decode(self, z):
        mean, std = self.affine()
        x = self.middle(self.inflated(z * std + mean, "decoder.conv_in"), "decoder.mid", self.c["mid_layers"])
        for k in range(len(self.c["widths"])):
            for j in range(self.c["layers_per_level"]):
                x = self.residual(x, f"decoder.up.{k}.res.{j}")
            if k < len(self.c["upsample"]):
                for axis, factor in enumerate(self.c["upsample"][k]):
                    x = x.repeat_interleave(factor, 1 + axis)
                x = self.inflated(x, f"decoder.up.{k}.upsample")
        x = self.inflated(F.silu(self.norm(x, "decoder.norm_out")), "decoder.conv_out")
        pt, ph, pw = self.c["patch_size"]
        _, T, H, W = x.shape
        frames = torch.zeros(3, T * pt, H * ph, W * pw, dtype=x.dtype)
        cells = x.view(3, pt, ph, pw, T, H, W)
        for a in range(pt):
            for b in range(ph):
                for c in range(pw):
                    frames[:, a::pt, b::ph, c::pw] = cells[:, a, b, c]
        return frames

    def encode(self, frames):
        pt, ph, pw = self.c["patch_size"]
        x = torch.cat([frames[c:c + 1, a::pt, b::ph, d::pw] for c in range(3) for a in range(pt) for b in range(ph)
                       for d in range(pw)])
        x = self.inflated(x, "encoder.conv_in")
        own = self.c | self.c.get("encoder", {})
        levels = len(own["widths"])
        for i in range(levels):
            for j in range(own["layers_per_level"]):
                x = self.residual(x, f"encoder.down.{i}.res.{j}")
            if i < levels - 1:
                x = self.inflated(x, f"encoder.down.{i}.downsample", self.c["upsample"][levels - 2 - i])
        x = self.middle(x, "encoder.mid", own["mid_layers"])
        x = self.inflated(F.silu(self.norm(x, "encoder.norm_out")), "encoder.conv_out")
        mean, std = self.affine()
        return (x - mean) / std


class AutoencoderTest(unittest.TestCase):

    def test_it_is_its_definition(self):
        for name, config in VARIANTS.items():
            with self.subTest(name), torch.no_grad():
                autoencoder, values = build(name).double(), inputs(name)
                # Float32 buffers hold rounded mean and deviation; the definition has them exact.
                autoencoder.mean, autoencoder.std = (v[None] for v in Plain(config, {}).affine())
                plain = Plain(config, autoencoder.state_dict())
                latent, clip = values["latent"].double(), values["clip"].double()
                torch.testing.assert_close(autoencoder.decode(latent[None])[0], plain.decode(latent))
                torch.testing.assert_close(autoencoder.encode(clip[None])[0], plain.encode(clip))

    def test_a_config_is_read_as_it_was_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, fields in VARIANTS.items():
                path = Path(folder) / f"{name}.json"
                path.write_text(AutoencoderConfig(**fields).to_json())
                self.assertEqual(AutoencoderConfig.from_json(path), AutoencoderConfig(**fields))
                self.assertEqual("encoder" in json.loads(path.read_text()), name == "vae-uneven")

    def test_an_encoder_that_cannot_be_is_refused(self):
        for own in ({"widths": [8, 4, 4]}, {"widths": [8, 4], "layers_per_level": 1, "mid_layers": 2}):
            with self.assertRaises(ValueError):
                AutoencoderConfig(**VARIANTS["vae-attention"], encoder=own)


class GrowTest(unittest.TestCase):

    def test_a_grown_decoder_computes_the_same_until_it_is_trained(self):
        old = build("vae-uneven").double().decoder
        new = grow(old, [8, 24], 2, 4)
        latent = torch.randn(2, 4, 3, 4, 5, dtype=torch.float64)
        self.assertGreater(sum(p.numel() for p in new.parameters()), 4 * sum(p.numel() for p in old.parameters()))
        torch.testing.assert_close(new(latent), old(latent))

    def test_copies_part_when_they_are_trained(self):
        old = build("vae-uneven").decoder
        new = grow(old, [8, 24], 1, 2)
        new(torch.randn(1, 4, 3, 4, 5)).square().mean().backward()
        gradient = new.conv_in.spatial.weight.grad
        self.assertGreater((gradient[0::2] - gradient[1::2]).norm(), 0.1 * gradient.norm())

    def test_what_is_no_growth_is_refused(self):
        for sizes in (([4, 12], 1, 2), ([4, 4], 1, 2), ([4, 8], 1, 1), ([8, 8], 1, 2)):
            with self.subTest(sizes), self.assertRaises(ValueError):
                grow(build("vae-uneven").decoder, *sizes)


class TilingTest(unittest.TestCase):

    def test_ranges(self):
        self.assertEqual(len(tile_ranges(136, 4, 2)), 67)
        self.assertEqual(tile_ranges(3, 4, 2), [(0, 3)])
        self.assertEqual(tile_ranges(4, 4, 2), [(0, 4)])
        self.assertEqual(tile_ranges(5, 4, 2), [(0, 4), (2, 5)])
        self.assertEqual(tile_ranges(9, 5, 3), [(0, 5), (2, 7), (4, 9)])

    def test_blending(self):
        number = iter(range(10))
        decode = lambda z: torch.full((1, 3, 2 * z.shape[2], 1, 1), float(next(number)))
        frames = decode_tiled(decode, torch.zeros(1, 4, 6, 1, 1), 2, latent_frames=4, overlap=2, margin=0)
        expected = [0, 0, 0, 0, .2, .4, .6, .8, 1, 1, 1, 1]
        torch.testing.assert_close(frames[0, 0, :, 0, 0], torch.tensor(expected))

    def test_with_a_margin_of_the_receptive_radius_tiles_equal_the_whole(self):
        config = {**VARIANTS["vae-plain"], "layers_per_level": 1}
        autoencoder = Autoencoder(AutoencoderConfig(**config)).double()
        for parameter in autoencoder.parameters():
            parameter.data = torch.randn(parameter.shape, dtype=torch.float64) / max(1, parameter[0].numel()) ** 0.5
        latent = torch.randn(1, 4, 40, 1, 1, dtype=torch.float64)
        with torch.no_grad():
            # Radius in latents: conv_in 1, mid 2, level 0 2, and at twice the rate upsample 1, level 1 2, conv_out 1.
            tiled = decode_tiled(autoencoder.decode, latent, 4, latent_frames=20, overlap=15, margin=7)
            torch.testing.assert_close(tiled, autoencoder.decode(latent))


if __name__ == "__main__":
    unittest.main()
