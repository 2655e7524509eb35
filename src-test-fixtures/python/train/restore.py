"""Makes the training's checkpoints from a model folder: what export wrote, to go on from.

    python -m train.restore --model ../../lingen-nano/src/main/resources/io/lingen/nano --work DIR

DIR gets decoder-final.pt and start.pt, for `train_decoder --refine` and `train_denoiser --start DIR/start.pt`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from safetensors.torch import load_file

from train.parallel import save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)

    def read(component: str) -> tuple[dict, dict]:
        folder = args.model / component
        weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        return weights, json.loads((folder / "config.json").read_text())

    decoder, config = read("vae")
    save(args.work / "decoder-final.pt", dict(model=decoder, config=config))
    denoiser, config = read("transformer")
    save(args.work / "start.pt", dict(average=denoiser, config=config, step=0))


if __name__ == "__main__":
    main()
