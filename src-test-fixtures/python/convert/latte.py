"""Converts published Latte checkpoints to a model folder.

    python -m convert.latte ucf101.pt --vae sd-vae-ft-ema --output latte-ucf101
    python -m convert.latte Latte-1 --output latte-1

The first form reads a pickle of Latte's authors, without running code in it. The second reads a folder in the layout of
diffusers, whose `vae` or `vae_temporal_decoder` it uses. Tensors keep their names and types. Everything that the layout has
no field for is refused, with the reason.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from lingen_torch import latte

HEADS = {384: 6, 768: 12, 1024: 16, 1152: 16}
FPS = 8


class Refusal(Exception):
    """Something that can't be converted; the message has the rule and the value found."""


def require(condition, subject, rule, found):
    if not condition:
        raise Refusal(f"{subject} must be {rule}, found {found}")


def pickled_weights(path, say):
    """The tensors of a pickle: those of `ema`, else of `model`, else all; without a leading `module.`"""
    content = torch.load(path, map_location="cpu", weights_only=True)
    require(isinstance(content, dict), path, "a dict of tensors", type(content).__name__)
    for key in ("ema", "model"):
        if isinstance(content.get(key), dict):
            say(f"uses the entry '{key}' of {sorted(map(str, content))}")
            content = content[key]
            break
    weights = {}
    for name, value in content.items():
        require(isinstance(value, torch.Tensor), f"{path}: '{name}'", "a tensor", type(value).__name__)
        weights[name.removeprefix("module.")] = value.contiguous().clone()
    return weights


def config_of_weights(weights, heads=None):
    """transformer/config.json of the tensors of Latte's authors. They determine everything except the number of heads."""
    for name in ("x_embedder.proj.weight", "pos_embed", "temp_embed", "final_layer.linear.weight"):
        require(name in weights, "checkpoint", f"one of Latte, with a tensor '{name}'", "none of that name")
    d, channels, p, _ = weights["x_embedder.proj.weight"].shape
    side = round(weights["pos_embed"].shape[1] ** 0.5)
    require(side ** 2 == weights["pos_embed"].shape[1], "pos_embed", "of a square grid", weights["pos_embed"].shape[1])
    if heads is None:
        require(d in HEADS, "number of heads", f"given by --heads for a width other than {sorted(HEADS)}", f"none for {d}")
    depth = 1 + max((int(name.split(".")[1]) for name in weights if name.startswith("blocks.")), default=-1)
    require(depth > 0, "checkpoint", "one with blocks", "none")
    config = {"architecture": "latte", "variant": 1, "condition": "none", "in_channels": channels, "patch_size": [1, p, p],
              "hidden_size": d, "depth": depth, "num_heads": heads or HEADS[d],
              "ffn_ratio": weights["blocks.0.mlp.fc1.weight"].shape[0] / d, "frames": weights["temp_embed"].shape[1],
              "latent_size": [side * p, side * p],
              "learn_sigma": weights["final_layer.linear.weight"].shape[0] == 2 * channels * p * p}
    table = weights.get("y_embedder.embedding_table.weight")
    if table is not None:
        config |= {"condition": "class", "num_classes": table.shape[0] - 1}
    return config


_TRANSFORMER = {"activation_fn": "gelu-approximate", "norm_type": "ada_norm_single", "attention_bias": True,
                "norm_elementwise_affine": False, "norm_eps": 1e-6}
_SCHEDULER = {"beta_schedule": "linear", "prediction_type": "epsilon", "timestep_spacing": "leading",
              "clip_sample": False, "set_alpha_to_one": True, "thresholding": False, "rescale_betas_zero_snr": False,
              "trained_betas": None}
_SCHEDULER_DEFAULTS = {"clip_sample": True, "set_alpha_to_one": True, "prediction_type": "epsilon", "thresholding": False,
                       "timestep_spacing": "leading", "beta_schedule": "linear", "rescale_betas_zero_snr": False,
                       "trained_betas": None}


def config_of_diffusers(given):
    """transformer/config.json of a LatteTransformer3DModel."""
    for field, value in _TRANSFORMER.items():
        require(given.get(field) == value, f"transformer/config.json: {field}", repr(value), repr(given.get(field)))
    channels, size = given["in_channels"], given["sample_size"]
    outputs = given.get("out_channels") or channels
    require(outputs in (channels, 2 * channels), "out_channels", f"{channels} or {2 * channels}", outputs)
    p = given["patch_size"]
    return {"architecture": "latte", "variant": 1, "condition": "text", "text_dims": [given["caption_channels"]],
            "in_channels": channels, "patch_size": [1, p, p],
            "hidden_size": given["num_attention_heads"] * given["attention_head_dim"], "depth": 2 * given["num_layers"],
            "num_heads": given["num_attention_heads"], "ffn_ratio": 4.0, "frames": given.get("video_length", 16),
            "latent_size": [size, size], "learn_sigma": outputs == 2 * channels}


def scheduler_of_diffusers(given):
    """scheduler/config.json of a DDIMScheduler, with the pipeline's 50 steps and guidance 7.5."""
    given = _SCHEDULER_DEFAULTS | given
    for field, value in _SCHEDULER.items():
        require(given.get(field) == value, f"scheduler_config.json: {field}", repr(value), repr(given.get(field)))
    return {"sampler": "ddim", "schedule": "leading", "steps": 50, "guidance": 7.5, "eta": 0,
            "train_timesteps": given.get("num_train_timesteps", 1000), "beta_start": given.get("beta_start", 1e-4),
            "beta_end": given.get("beta_end", 2e-2), "steps_offset": given.get("steps_offset", 0)}


def check(config, weights):
    """Requires exactly the tensors of a configuration."""
    expected = latte.shapes(config)
    missing, extra = sorted(expected.keys() - weights), sorted(weights.keys() - expected)
    require(not missing, "checkpoint", "complete", f"no tensors {missing[:5]}")
    require(not extra, "checkpoint", "one of Latte without other tensors", extra[:5])
    for name, shape in expected.items():
        require(tuple(weights[name].shape) == tuple(shape), f"'{name}'", f"of the shape {shape}", tuple(weights[name].shape))


def safetensors_of(folder):
    """The tensors of a component in the layout of diffusers, one file or shards."""
    files = sorted(Path(folder).glob("*.safetensors"))
    require(files, folder, "a folder with safetensors", "none")
    weights = {}
    for file in files:
        weights.update(load_file(file))
    return weights


def decoder(folder, say):
    """(vae/config.json, tensors) of an autoencoder of diffusers; its encoder is left out."""
    given = json.loads((Path(folder) / "config.json").read_text())
    weights = safetensors_of(folder)
    temporal = "decoder.time_conv_out.weight" in weights
    kept = {n: w for n, w in weights.items() if n.startswith(("decoder.", "post_quant_conv."))}
    say(f"keeps {len(kept)} tensors of the {'temporal' if temporal else 'image'} decoder, leaves out {len(weights) - len(kept)}"
        " of the encoder")
    return {"decoder": "sd_temporal" if temporal else "sd", "latent_channels": given.get("latent_channels", 4),
            "out_channels": given.get("out_channels", 3), "block_out_channels": given["block_out_channels"],
            "layers_per_block": given.get("layers_per_block", 1), "norm_groups": given.get("norm_num_groups", 32),
            "scaling_factor": given.get("scaling_factor", 0.18215)}, kept


def text_encoder(source, output, say):
    """Copies the T5 encoder of a folder of diffusers, and its tokenizer.json if there is one."""
    output.mkdir()
    files = [f for f in sorted((source / "text_encoder").glob("*")) if f.name == "config.json" or ".safetensors" in f.name]
    for file in files:
        shutil.copyfile(file, output / file.name)
    say(f"copied {len(files)} files of the text encoder")
    tokenizer = source / "tokenizer/tokenizer.json"
    if tokenizer.exists():
        shutil.copyfile(tokenizer, output / "tokenizer.json")
    else:
        say(f"add {output}/tokenizer.json: AutoTokenizer.from_pretrained('{source}/tokenizer').save_pretrained(FOLDER)"
            " of the Python package transformers writes it")


def convert(source, vae, output, heads=None, say=print):
    """Writes a model folder, which must not exist."""
    source, output = Path(source), Path(output)
    require(not output.exists(), "output", "a new folder", f"{output}; choose another")
    components = {"transformer": "transformer", "vae": "vae", "scheduler": "scheduler"}
    if source.is_dir():
        config = config_of_diffusers(json.loads((source / "transformer/config.json").read_text()))
        weights = safetensors_of(source / "transformer")
        scheduler = scheduler_of_diffusers(json.loads((source / "scheduler/scheduler_config.json").read_text()))
        vae = vae or source / "vae"
        components["text_encoders"] = ["text_encoder"]
    else:
        weights = pickled_weights(source, say)
        config = config_of_weights(weights, heads)
        scheduler = {"sampler": "ddpm", "schedule": "even", "steps": 250,
                     "guidance": 7.0 if config["condition"] == "class" else 1.0}
    require(vae is not None, "--vae", "given for a pickle: the folder of sd-vae-ft-ema or sd-vae-ft-mse", "none")
    check(config, weights)
    say(f"keeps {len(weights)} tensors of the transformer, condition {config['condition']}, unchanged")
    vae_config, vae_weights = decoder(vae, say)
    for name, content, tensors in (("transformer", config, weights), ("vae", vae_config, vae_weights),
                                   ("scheduler", scheduler, None)):
        (output / name).mkdir(parents=True)
        (output / name / "config.json").write_text(json.dumps(content, indent=1) + "\n")
        if tensors is not None:
            save_file(tensors, output / name / "model.safetensors")
    if config["condition"] == "text":
        text_encoder(source, output / "text_encoder", say)
    (output / "model_index.json").write_text(json.dumps(
        {"format": "lingen", "version": 1, "fps": FPS, "components": components}, indent=1) + "\n")
    say(f"wrote {output}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a pickle of Latte's authors, or a folder in the layout of diffusers")
    parser.add_argument("--vae", help="folder of the autoencoder (default with a folder: its vae)")
    parser.add_argument("--output", required=True, help="folder to write, which must not exist")
    parser.add_argument("--heads", type=int, help="number of attention heads, for other widths than the published ones")
    arguments = parser.parse_args()
    try:
        convert(arguments.source, arguments.vae, arguments.output, arguments.heads)
    except Refusal as refusal:
        sys.exit(f"convert.latte: {refusal}")


if __name__ == "__main__":
    main()
