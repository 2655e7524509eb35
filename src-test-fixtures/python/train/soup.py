"""Averages the weights of several denoisers that were trained from one (a model soup, Wortsman et al., 2022).

    python -m train.soup --output DIR/denoiser.pt A.pt:0.35 B.pt:0.45 C.pt:0.2
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from train.parallel import save


def part(text: str) -> tuple[Path, float]:
    path, _, share = text.rpartition(":")
    return Path(path), float(share)


def mix(checkpoints: list[dict], shares: list[float]) -> dict:
    """The checkpoint whose average is that of the checkpoints' averages; shares count by their sum."""
    averages = [checkpoint["average"] for checkpoint in checkpoints]
    total = sum(shares)
    mixed = {name: sum(share / total * average[name] for share, average in zip(shares, averages)) for name in averages[0]}
    return dict(average=mixed, config=checkpoints[0]["config"], step=max(checkpoint["step"] for checkpoint in checkpoints))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("parts", type=part, nargs="+", metavar="FILE:SHARE", help="a checkpoint, and how much it counts")
    args = parser.parse_args()
    checkpoints = [torch.load(path, weights_only=True, map_location="cpu") for path, _ in args.parts]
    if any(checkpoint["config"] != checkpoints[0]["config"] for checkpoint in checkpoints):
        parser.error("the checkpoints are not of one configuration")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    save(args.output, mix(checkpoints, [share for _, share in args.parts]))


if __name__ == "__main__":
    main()
