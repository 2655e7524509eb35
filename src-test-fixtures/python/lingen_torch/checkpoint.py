"""Reads and writes a denoiser as a checkpoint folder: config.json and model.safetensors."""

import json
from pathlib import Path

from safetensors.torch import load_file, save_file

from .config import DenoiserConfig
from .denoiser import Denoiser


def save_denoiser(folder, config, state):
    """config: the JSON object of config.json; state: tensors by name, e.g. `denoiser.state_dict()`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, folder / "model.safetensors")


def load_denoiser(folder, dtype=None):
    """The denoiser of a transformer folder, one file or shards; every tensor must be there, and no other."""
    folder = Path(folder)
    denoiser = Denoiser(DenoiserConfig.read(folder))
    index = folder / "model.safetensors.index.json"
    shards = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
    state = {}
    for shard in shards:
        state.update(load_file(folder / shard))
    denoiser.load_state_dict(state, strict=True)
    return denoiser if dtype is None else denoiser.to(dtype)
