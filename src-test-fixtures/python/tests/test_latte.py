"""Latte's reference and the conversion of its published checkpoints."""

import json
import tempfile
import unittest
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from convert.latte import Refusal, config_of_diffusers, convert
from fixtures.latte import CONFIGS, build, inputs
from fixtures.sd_decoder import CONFIGS as VAES, build as build_vae
from lingen_torch import latte


class SamplerTest(unittest.TestCase):
    def test_timesteps_are_the_published_ones(self):
        self.assertEqual(latte.leading_timesteps(50), list(range(980, -1, -20)))
        self.assertEqual(latte.even_timesteps(5), [999, 749, 500, 250, 0])
        self.assertEqual(len(set(latte.even_timesteps(250))), 250)

    def test_ddim_is_eulers_method_on_a_rectified_flow(self):
        bars = latte.alpha_bars()
        function = lambda x, i: torch.sin(x) * (0.4 + i / 2000)
        x = torch.linspace(-2, 2, 12, dtype=torch.float64).view(4, 1, 1, 3)
        timesteps = latte.even_timesteps(7)
        expected = list(latte.ddim(function, x, timesteps))[-1]
        amplitude = lambda a: a.sqrt() + (1 - a).sqrt()
        times = [bars[i].sqrt() / amplitude(bars[i]) for i in timesteps] + [torch.tensor(1.0)]
        y = x / amplitude(bars[timesteps[0]])
        for step, i in enumerate(timesteps):
            epsilon = function(y * amplitude(bars[i]), i)
            y = y + (times[step + 1] - times[step]) * (y - epsilon) / times[step]
        torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-12)


class ConversionTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.said = []
        weights, _ = build_vae("vae-sd")
        self.vae = self.folder / "vae"
        self.vae.mkdir()
        config = VAES["vae-sd"]
        (self.vae / "config.json").write_text(json.dumps(
            {"latent_channels": 4, "block_out_channels": config["block_out_channels"], "layers_per_block": 1,
             "norm_num_groups": 2, "scaling_factor": 0.18215}))
        save_file(weights | {"encoder.conv_in.weight": torch.zeros(1)}, self.vae / "diffusion_pytorch_model.safetensors")

    def pickle(self, weights, entry="ema"):
        path = self.folder / "latte.pt"
        torch.save({entry: {f"module.{n}": w for n, w in weights.items()}} if entry else weights, path)
        return path

    def square(self, name):
        """A checkpoint of a square grid, as all published ones have."""
        CONFIGS["square"] = CONFIGS[name] | {"latent_size": [8, 8]}
        self.addCleanup(CONFIGS.pop, "square")
        return build("square")[0]

    def test_a_pickle_keeps_names_and_values(self):
        weights = self.square("latte-class")
        output = self.folder / "model"
        convert(self.pickle(weights), self.vae, output, heads=2, say=self.said.append)
        config = json.loads((output / "transformer/config.json").read_text())
        self.assertEqual(config, CONFIGS["square"] | {"variant": 1})
        kept = load_file(output / "transformer/model.safetensors")
        self.assertEqual(kept.keys(), weights.keys())
        self.assertTrue(all(torch.equal(kept[n], weights[n]) for n in weights))
        self.assertNotIn("encoder.conv_in.weight", load_file(output / "vae/model.safetensors"))
        self.assertEqual(json.loads((output / "scheduler/config.json").read_text())["guidance"], 7.0)
        self.assertTrue(any("'ema'" in line for line in self.said), self.said)

    def test_what_is_not_known_is_refused(self):
        weights = self.square("latte-none")
        for change, message in (({"blocks.0.attn.bias_table": torch.zeros(2)}, "bias_table"),
                                ({"blocks.0.attn.proj.bias": torch.zeros(3)}, "of the shape"),
                                ({"step": 3}, "must be a tensor")):
            with self.assertRaisesRegex(Refusal, message):
                convert(self.pickle(weights | change), self.vae, self.folder / "model", heads=2, say=self.said.append)
        with self.assertRaisesRegex(Refusal, "--heads"):
            convert(self.pickle(weights), self.vae, self.folder / "model", say=self.said.append)
        with self.assertRaisesRegex(Refusal, "new folder"):
            convert(self.pickle(weights), self.vae, self.vae, heads=2, say=self.said.append)
        self.assertFalse((self.folder / "model").exists())

    def test_pickles_run_no_code(self):
        class Program:
            def __reduce__(self):
                return print, ("run",)
        path = self.folder / "latte.pt"
        torch.save({"ema": Program()}, path)
        with self.assertRaises(Exception) as error:
            convert(path, self.vae, self.folder / "model", say=self.said.append)
        self.assertIn("weights_only", str(error.exception).lower().replace("weights only", "weights_only"))

    def test_a_folder_of_diffusers(self):
        CONFIGS["square"] = CONFIGS["latte-text"] | {"ffn_ratio": 4.0}
        self.addCleanup(CONFIGS.pop, "square")
        weights, _ = build("square")
        source = self.folder / "latte-1"
        for name in ("transformer", "scheduler", "text_encoder", "tokenizer"):
            (source / name).mkdir(parents=True)
        for name in ("text_encoder/config.json", "text_encoder/model-00001-of-00001.safetensors", "tokenizer/tokenizer.json"):
            (source / name).write_text("{}")
        given = {"in_channels": 4, "out_channels": 8, "num_layers": 2, "sample_size": 8, "patch_size": 2,
                 "num_attention_heads": 2, "attention_head_dim": 12, "caption_channels": 10, "video_length": 3,
                 "activation_fn": "gelu-approximate", "norm_type": "ada_norm_single", "attention_bias": True,
                 "norm_elementwise_affine": False, "norm_eps": 1e-6}
        (source / "transformer/config.json").write_text(json.dumps(given))
        save_file(weights, source / "transformer/diffusion_pytorch_model.safetensors")
        scheduler = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "clip_sample": False}
        (source / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler))
        convert(source, self.vae, self.folder / "model", say=self.said.append)
        config = json.loads((self.folder / "model/transformer/config.json").read_text())
        self.assertEqual(config, CONFIGS["square"] | {"variant": 1})
        self.assertEqual({f.name for f in (self.folder / "model/text_encoder").iterdir()},
                         {"config.json", "model-00001-of-00001.safetensors", "tokenizer.json"})
        with self.assertRaisesRegex(Refusal, "norm_type"):
            config_of_diffusers(given | {"norm_type": "ada_norm_zero"})
        (source / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler | {"set_alpha_to_one": False}))
        with self.assertRaisesRegex(Refusal, "set_alpha_to_one"):
            convert(source, self.vae, self.folder / "other", say=self.said.append)


class InputsTest(unittest.TestCase):
    def test_every_variant_depends_on_every_tensor(self):
        for name, config in CONFIGS.items():
            weights, model = build(name)
            self.assertEqual(weights.keys(), latte.shapes(config).keys())
            for tensor in model.weights.values():
                tensor.requires_grad_(True)
            values = inputs(name)
            text = values["text.0"].double() if "text.0" in values else None
            label = 3 if "label" in values else None
            model(values["latent_vp"].double(), 437, label, text).square().sum().backward()
            unused = [n for n, w in model.weights.items() if w.grad is None or not w.grad.abs().sum() > 0]
            self.assertEqual(unused, [])


if __name__ == "__main__":
    unittest.main()
