"""Trains LinGen without one of its parts after another, and DiT, all on the same batches, and compares them.

    python -m train.make_latents --decoder DIR/decoder-final.pt --output DIR/held --seed 1 --seconds 2 --clips 250
    python -m train.make_latents --decoder DIR/decoder-final.pt --output DIR/held --seed 1 --seconds 68 --clips 14 --event 0.5
    python -m train.ablate --work DIR/ablations --latents DIR/latents --variant lingen   and so on, in any order or side by side
    python -m train.ablate --work DIR/ablations --latents DIR/latents --held DIR/held --decoder DIR/decoder-final.pt --compare

The variants are narrower than lingen-nano and half as deep, so that a budget of minutes shows them the most films. Each sees the
same clips with the same noise in the same order. DIR/ablations/NAME.csv is the loss curve, NAME.pt the averaged weights;
the comparison writes table.md.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch

from lingen_torch import sampler
from lingen_torch.denoiser import Denoiser
from train import compiled
from train.export import DENOISER
from train.make_latents import load_autoencoder
from train.optimise import move_average, set_rates
from train.parallel import save
from train.sample import judged, load_denoiser
from train.shards import Shards
from train.train_denoiser import TEXT_DROPOUT, build, flow_loss, optimisers_of, random_times
from world.embed import TextEncoder
from world.prompts import make
from world.report import COLUMNS, tallies
from world.tally import table

BASE = DENOISER | {"hidden_size": 128, "depth": 4, "num_heads": 4, "tesa": {"window": [8, 4, 4], "inner_dim": 128}}
VARIANTS = {
    "lingen": {},
    "without TESA": {"tesa": None},
    "without RMS": {"scan": "fixed"},
    "without review tokens": {"review_pool": None},
    "dit": {"architecture": "dit"},
}
# As in train_denoiser.STAGES: latent frames, clips, every so many steps.
BATCHES = ((4, 32, 1), (136, 1, 2))
RATE = 2.5e-3


def train(name: str, args: argparse.Namespace) -> None:
    torch.manual_seed(1)
    config = BASE | VARIANTS[name]
    model, average = build(config), build(config)
    average.load_state_dict(model.state_dict())
    steppers = optimisers_of(model, RATE)
    data = Shards(args.latents, 5, TextEncoder()([""])[0][0], TEXT_DROPOUT)
    torch.manual_seed(2)
    # Processor time, not wall-clock time: variants may share the machine.
    begun, seen, rows = time.process_time(), {4: [], 136: []}, []
    for step in range(args.steps):
        set_rates(steppers, RATE * min(1, (step + 1) / 40) * min(1, 0.03 + 0.97 * (1 - step / args.steps) / 0.5))
        for stepper in steppers:
            stepper.zero_grad(set_to_none=False)
        for frames, clips, every in BATCHES:
            if step % every == 0:
                drawn = data.batch(clips, frames)
                times, noise = random_times(clips, frames), torch.randn_like(drawn.latents)
                loss, error = flow_loss(model, drawn, times, noise)
                loss.backward()
                seen[frames].append(error.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
        move_average(average, model, max(0.01, 20 / (step + 20)))
        used = time.process_time() - begun
        if (step + 1) % 20 == 0:
            rows.append((step + 1, round(used / 60, 2), *(round(float(np.mean(v)), 4) for v in seen.values())))
            print(name, *rows[-1], flush=True)
            for part in seen.values():
                part.clear()
    with (args.work / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("step", "minutes", "loss_4", "loss_136"), *rows])
    save(args.work / f"{name}.pt", dict(average=average.state_dict(), config=config, step=args.steps, seconds=used))


@torch.no_grad()
def held_error(model: Denoiser, held: Path, frames: int, clips: int) -> float:
    """Mean squared error of the velocity on clips apart, of the same noise and times for every model."""
    data = Shards(held, 3)
    torch.manual_seed(3)
    errors = []
    for _ in range(clips):
        drawn = data.batch(1, frames)
        for time in (0.02, 0.1, 0.3, 0.6):
            errors.append(flow_loss(model, drawn, torch.tensor([time]), torch.randn_like(drawn.latents))[1].item())
    return float(np.mean(errors))


def compare(args: argparse.Namespace) -> None:
    decoder, text = load_autoencoder(args.decoder), TextEncoder()
    lines = ["| variant | parameters | training, core minutes | error at 2 s | error at 68 s |", "|---|---|---|---|---|"]
    prompts, times, short = make(40, 2, seed=4, two=0.2), sampler.linear_quadratic(25), []
    for name in VARIANTS:
        path = args.work / f"{name}.pt"
        if not path.exists():
            continue
        model, found = load_denoiser(path)
        lines.append(f"| {name} | {sum(p.numel() for p in model.parameters()):,} | {found['seconds'] / 60:.1f} "
                     f"| {held_error(model, args.held, 4, 96):.4f} | {held_error(model, args.held, 136, 12):.4f} |")
        print(lines[-1], flush=True)
        short.append((name, tallies(list(judged(model, decoder, text, prompts, 2, times, 3.0, 0.0, 20)))))
        print(name, {k: str(v) for k, v in short[-1][1].items()}, flush=True)
    lines += ["", *table("2 s, 40 prompts", short, COLUMNS)]
    (args.work / "table.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--held", type=Path, help="latents of other clips, for --compare")
    parser.add_argument("--decoder", type=Path, help="for --compare")
    parser.add_argument("--variant", choices=VARIANTS, nargs="*", default=[])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--compare", action="store_true")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    compiled.install("cpu")
    for name in args.variant:
        train(name, args)
    if args.compare:
        compare(args)


if __name__ == "__main__":
    main()
