"""Writes the model folder of lingen-nano from trained weights.

    python -m train.export --decoder DIR/decoder-final.pt --denoiser DIR/denoiser.pt --output FOLDER
    python -m train.export --sums-only --output FOLDER

Without the two files the weights are random but seeded: every tensor is there, under its right name, for tests. The second form writes the
SHA256SUMS of a folder anew and leaves everything else as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from lingen_torch.autoencoder import Autoencoder, AutoencoderConfig
from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from train.train_decoder import CONFIG as DECODER

DENOISER = {
    "architecture": "lingen", "in_channels": 16, "patch_size": [1, 2, 2], "hidden_size": 192, "depth": 8, "num_heads": 6,
    "ffn_ratio": 4.0, "text_dims": [384], "max_grid": [160, 16, 16], "ma": True, "scan": "rotary_major", "review_pool": [2, 2, 2],
    "mamba": {"d_state": 32, "d_conv": 4, "expand": 2, "head_dim": 32, "n_groups": 1, "chunk_size": 64},
    "tesa": {"window": [8, 4, 4], "inner_dim": 192}}
# Chosen by what docs/nano.md measured.
SAMPLING = {"schedule": "shifted:6", "steps": 25, "guidance": 3.0, "eta": 1.0}
LARGEST = 25 * 2 ** 20
SUMS = "SHA256SUMS"
THESAURUS = "thesaurus.tsv"


def write_json(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def write_weights(path: Path, state: dict, dtype: torch.dtype) -> None:
    save_file({name: tensor.detach().to(dtype).contiguous() for name, tensor in sorted(state.items())}, path)


def write_sums(folder: Path) -> None:
    """The sums of all files, as sha256sum writes them, sorted by path: what Java checks the model by when it loads it."""
    files = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file() and f.name != SUMS)
    (folder / SUMS).write_text("".join(f"{hashlib.sha256((folder / f).read_bytes()).hexdigest()}  {f}\n" for f in files))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", type=Path)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--thesaurus", type=Path, help="what train.thesaurus wrote (default: the one that is there)")
    parser.add_argument("--sums-only", action="store_true")
    parser.add_argument("--seconds", type=int, default=17)
    args = parser.parse_args()
    if args.sums_only:
        write_sums(args.output)
        return
    torch.manual_seed(0)
    if args.decoder:
        found = torch.load(args.decoder, weights_only=True, map_location="cpu")
        decoder_config, decoder = found["config"], found["model"]
    else:
        decoder_config = DECODER
        decoder = Autoencoder(AutoencoderConfig(**DECODER)).state_dict()
    if args.denoiser:
        found = torch.load(args.denoiser, weights_only=True, map_location="cpu")
        denoiser_config, denoiser = found["config"], found["average"]
    else:
        denoiser_config = DENOISER
        model = Denoiser(DenoiserConfig.of(DENOISER))
        for parameter in (*(block.cross.proj.weight for block in model.blocks), model.final.linear.weight):
            torch.nn.init.normal_(parameter, std=0.02)
        denoiser = model.state_dict()
    components = {"transformer": "transformer", "vae": "vae", "text_encoders": ["text_encoder"], "scheduler": "scheduler"}
    out = args.output
    if args.thesaurus:
        out.mkdir(parents=True, exist_ok=True)
        (out / THESAURUS).write_bytes(args.thesaurus.read_bytes())
    if (out / THESAURUS).exists():
        components["thesaurus"] = THESAURUS
    write_json(out / "model_index.json", {"format": "lingen", "version": 1, "fps": 16, "components": components,
                                          "native": {"width": 128, "height": 128, "seconds": args.seconds}})
    write_json(out / "transformer/config.json", denoiser_config)
    write_weights(out / "transformer/model.safetensors", denoiser, torch.bfloat16)
    write_json(out / "vae/config.json", {"norm_eps": 1e-6} | decoder_config)
    write_weights(out / "vae/model.safetensors", decoder, torch.float16)
    write_json(out / "text_encoder/config.json", {"model": "embedded:all-minilm-l6-v2", "max_tokens": 64, "width": 384})
    write_json(out / "scheduler/config.json", SAMPLING)
    write_sums(out)
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{out}: {size / 2 ** 20:.1f} MiB, denoiser {sum(t.numel() for t in denoiser.values()):,} parameters, "
          f"decoder {sum(t.numel() for n, t in decoder.items() if n.startswith('decoder')):,}")
    if size > LARGEST:
        raise SystemExit(f"the model is larger than {LARGEST // 2 ** 20} MiB")


if __name__ == "__main__":
    main()
