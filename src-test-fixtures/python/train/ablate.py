"""Trains LinGen without one of its parts after another, and DiT, all on the same batches, and compares them.

    python -m train.make_latents --decoder DIR/decoder-final.pt --output DIR/held --seed 1 --seconds 2 --clips 250
    python -m train.make_latents --decoder DIR/decoder-final.pt --output DIR/held --seed 1 --seconds 68 --clips 14 --event 0.5
    python -m train.ablate --work DIR/ablations --latents DIR/latents --variant lingen   and so on, in any order or side by side
    python -m train.ablate --work DIR/ablations --held DIR/held --decoder DIR/decoder-final.pt --judge lingen
    python -m train.ablate --work DIR/ablations --table

From scratch the variants are narrower than lingen-nano and half as deep, so that a budget of minutes shows them the most films. With
`--start FILE` they are of its size and begin with what a trained model has left when the part is taken out. Each sees the same clips
with the same noise in the same order. DIR/ablations/NAME.csv is the loss curve, NAME.pt the averaged weights, NAME.json what they can
do; --table writes table.md of all that were judged.
"""

from __future__ import annotations

import argparse
import csv
import json
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
from world.tally import Tally, table

VARIANTS = {
    "lingen": {},
    "without TESA": {"tesa": None},
    "without RMS": {"scan": "fixed"},
    "without review tokens": {"review_pool": None},
    "dit": {"architecture": "dit"},
}
NARROW = DENOISER | {"hidden_size": 128, "depth": 4, "num_heads": 4, "tesa": {"window": [8, 4, 4], "inner_dim": 128}}
# As in train_denoiser.STAGES: latent frames, clips, every so many steps. From scratch, and from a trained model.
BATCHES = ((4, 32, 1), (136, 1, 2))
LATER_BATCHES = ((1, 32, 1), (4, 16, 1), (34, 1, 1), (136, 1, 4))
REPORT = 20
# Seconds; prompts that are judged; latent frames; clips whose error is measured.
LENGTHS = ((2, 40, 4, 96), (17, 16, 34, 24), (68, 8, 136, 12))
JUDGED_STEPS, GUIDANCE, ETA = 25, 3.0, 1.0


def train(name: str, args: argparse.Namespace) -> None:
    torch.manual_seed(1)
    base, batches = (DENOISER, LATER_BATCHES) if args.start else (NARROW, BATCHES)
    config = base | VARIANTS[name]
    model, average = build(config), build(config)
    if args.start:
        take_over(model, torch.load(args.start, weights_only=True, map_location="cpu")["average"])
    average.load_state_dict(model.state_dict())
    steppers = optimisers_of(model, args.rate)
    data = Shards(args.latents, 5, TextEncoder()([""])[0][0], TEXT_DROPOUT)
    torch.manual_seed(2)
    # Processor time, not wall-clock time: variants may share the machine.
    begun, seen, rows = time.process_time(), {frames: [] for frames, *_ in batches}, []
    for step in range(args.steps):
        set_rates(steppers, args.rate * min(1, (step + 1) / 40) * min(1, 0.03 + 0.97 * (1 - step / args.steps) / 0.5))
        for stepper in steppers:
            stepper.zero_grad(set_to_none=False)
        for frames, clips, every in batches:
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
        if (step + 1) % REPORT == 0:
            rows.append((step + 1, round(used / 60, 2), *(round(float(np.mean(v)), 4) for v in seen.values())))
            print(name, *rows[-1], flush=True)
            for part in seen.values():
                part.clear()
    with (args.work / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("step", "minutes", *(f"loss_{frames}" for frames in seen)), *rows])
    save(args.work / f"{name}.pt", dict(average=average.state_dict(), config=config, step=args.steps, seconds=used))


@torch.no_grad()
def take_over(model: Denoiser, weights: dict[str, torch.Tensor]) -> None:
    """All weights that the model has a place for. What is new starts as nothing: attention's projection is zero."""
    missing = model.load_state_dict(weights, strict=False).missing_keys
    for name in missing:
        if name.endswith("attn.proj.weight"):
            model.get_parameter(name).zero_()


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


def judge(names: list[str], args: argparse.Namespace) -> None:
    decoder, text, times = load_autoencoder(args.decoder), TextEncoder(), sampler.linear_quadratic(JUDGED_STEPS)
    prompts = {seconds: make(count, seconds, seed=4, two=0.0) for seconds, count, *_ in LENGTHS}
    for name in names:
        model, found = load_denoiser(args.work / f"{name}.pt")
        row = dict(parameters=sum(p.numel() for p in model.parameters()), minutes=found["seconds"] / 60, error={}, right={})
        for seconds, _, frames, clips in LENGTHS:
            row["error"][seconds] = held_error(model, args.held, frames, clips)
            results = list(judged(model, decoder, text, prompts[seconds], seconds, times, GUIDANCE, ETA, 8))
            row["right"][seconds] = {k: (t.right, t.total) for k, t in tallies(results).items()}
            print(name, seconds, row["error"][seconds], row["right"][seconds], flush=True)
        (args.work / f"{name}.json").write_text(json.dumps(row))


def write_table(work: Path) -> None:
    found = {name: json.loads(path.read_text()) for name in VARIANTS if (path := work / f"{name}.json").exists()}
    lengths = [str(seconds) for seconds, *_ in LENGTHS]
    sizes = [(name, {"parameters": f"{row['parameters']:,}", "core minutes": f"{row['minutes']:.1f}"}
              | {f"error, {n} s": f"{row['error'][n]:.4f}" for n in lengths}) for name, row in found.items()]
    lines = table("variant", sizes, ("parameters", "core minutes", *(f"error, {n} s" for n in lengths)))
    for n in lengths:
        rows = [(name, {k: Tally(*t) for k, t in row["right"][n].items()}) for name, row in found.items()]
        lines += ["", *table(f"{n} s", rows, COLUMNS)]
    (work / "table.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--latents", type=Path, help="for --variant")
    parser.add_argument("--held", type=Path, help="latents of other clips, for --judge")
    parser.add_argument("--decoder", type=Path, help="for --judge")
    parser.add_argument("--variant", choices=VARIANTS, nargs="*", default=[], help="to train")
    parser.add_argument("--judge", choices=VARIANTS, nargs="*", default=[])
    parser.add_argument("--start", type=Path, help="a trained checkpoint to take the parts out of")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.variant and not args.latents:
        parser.error("--variant needs --latents")
    if args.judge and not (args.held and args.decoder):
        parser.error("--judge needs --held and --decoder")
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    compiled.install("cpu")
    for name in args.variant:
        train(name, args)
    if args.judge:
        judge(args.judge, args)
    if args.table:
        write_table(args.work)


if __name__ == "__main__":
    main()
