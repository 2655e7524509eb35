"""Trains the denoiser of lingen-nano on encoded clips (see make_latents), by flow matching.

    python -m train.train_denoiser --work DIR --latents DIR/latents --minutes 70

The stages are shares of the time: single latent frames (half a second) beside clips of two seconds, then clips of 17 and of
68 seconds beside shorter ones, at last only captions that name everything. `--long` is for going on: two thirds of the tokens
are of 17 seconds from the beginning. DIR/denoiser.pt is replaced whole; a run resumes from it, and looks for new shards from time
to time, so encoding may go on while it runs. `--start FILE` begins with the averaged weights of another checkpoint.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from lingen_torch.layers import PositionEmbedding
from train import compiled
from train.export import DENOISER
from train.graphs_gpu import Captured
from train.optimise import move_average, optimisers, set_rates
from train.parallel import Clock, average_gradients, launch, save
from train.shards import Batch, Shards
from world.embed import MAX_TOKENS, TextEncoder

# From this share of the time on: whether only captions that name everything are used, and the batches of a step in every process:
# (latent frames, clips, every so many steps).
STAGES = (
    (0.00, False, ((1, 32, 1), (4, 24, 1))),
    (0.10, False, ((1, 32, 2), (4, 24, 1), (34, 4, 1))),
    (0.40, False, ((1, 32, 4), (4, 24, 2), (34, 4, 1), (136, 1, 1))),
    (0.90, True, ((1, 32, 4), (4, 24, 2), (34, 4, 1), (136, 1, 1))),
)
MOSTLY_LONG = ((1, 16, 4), (4, 16, 2), (34, 4, 1), (136, 1, 4))
LONG_STAGES = ((0.00, False, MOSTLY_LONG), (0.85, True, MOSTLY_LONG))
LENGTHS = (1, 4, 34, 136)
TEXT_DROPOUT = 0.1
# The average moves by this share a step, faster at first.
AVERAGE = 0.002
POSITION_SCALE = 0.2


class ShiftedPositions(PositionEmbedding):
    """Position tables of which a training step may use a later part of the time axis: short clips stand for parts of long ones."""

    def __init__(self, max_grid, d):
        super().__init__(max_grid, d)
        # A tensor, so that a captured step can change it.
        self.register_buffer("start", torch.zeros(1, dtype=torch.int64), persistent=False)
        self.register_buffer("places", torch.arange(max_grid[0]), persistent=False)
        # A third of the channels for each axis, sines and cosines: near positions start out alike, far ones apart.
        third = d // 3
        with torch.no_grad():
            for i, (table, longest) in enumerate(zip((self.t, self.h, self.w), (4 * max_grid[0], 4 * max_grid[1], 4 * max_grid[2]))):
                rate = longest ** (-torch.arange(third // 2) / (third // 2)) * np.pi / 2
                angle = torch.arange(table.shape[0])[:, None] * rate
                table.zero_()
                table[:, i * third:(i + 1) * third] = POSITION_SCALE * torch.cat([angle.sin(), angle.cos()], 1)

    def forward(self, grid):
        t, h, w = grid
        return (self.t.index_select(0, self.start + self.places[:t])[:, None, None] + self.h[:h, None] + self.w[:w]).flatten(0, 2)


def random_times(count: int, frames: int, device: str = "cpu") -> torch.Tensor:
    """Logit-normal, towards the noise, where a clip's content is decided; one in ten uniform.

    The frames of a clip say the same thing many times over, so the longer it is the more noise leaves it legible: the
    median of t / (1 - t) falls with the root of the number of frames. Of 17 s the sampler decides all between t = 0.03 and 0.25.
    """
    times = torch.sigmoid(1.1 * torch.randn(count, device=device) - 0.75 - 0.5 * math.log(frames))
    return torch.where(torch.rand(count, device=device) < 0.1, torch.rand(count, device=device), times)


def flow_loss(model: Denoiser, drawn: Batch, times: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted loss of one batch, and its plain mean squared error."""
    spread = times[:, None, None, None, None]
    with torch.autocast(noise.device.type, torch.bfloat16):
        velocity = model(spread * drawn.latents + (1 - spread) * noise, times, [drawn.text], [drawn.mask])
    error = (velocity.float() - (drawn.latents - noise)).square().mean(1)
    return (error * drawn.weights).sum() / drawn.weights.sum(), error.mean().detach()


def build(config: dict) -> Denoiser:
    model = Denoiser(DenoiserConfig.of(config))
    model.pos_embed = ShiftedPositions(config["max_grid"], config["hidden_size"])
    for block in model.blocks:
        # Gates start at zero: every block starts as the identity.
        block.scale_shift_table.data[[2, 5]] = 0
    return model


def optimisers_of(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices, AdamW for the rest."""
    matrices = [p for n, p in model.named_parameters() if n.startswith("blocks.") and p.ndim == 2 and n.endswith("weight") and ".conv." not in n]
    chosen = set(map(id, matrices))
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return optimisers(matrices, rest, rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a checkpoint whose averaged weights a new run begins with")
    parser.add_argument("--text", type=Path, help="the text encoder's jar (default: the one in the local Maven repository)")
    parser.add_argument("--minutes", type=float, default=70, help="length of the whole schedule, resumed parts included")
    parser.add_argument("--long", action="store_true", help="the stages that go on from a model with most tokens in clips of 17 s")
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--scale", type=int, default=1, help="so many times the clips of a batch")
    parser.add_argument("--eager", action="store_true", help="on a GPU: without CUDA graphs")
    parser.add_argument("--report", type=float, default=1.0, help="minutes between reports, checkpoints and looks for new shards")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    launch(train, args.processes, args)


def train(rank: int, args: argparse.Namespace) -> None:
    compiled.install(args.device)
    torch.manual_seed(1)
    model, average = build(DENOISER).to(args.device), build(DENOISER).to(args.device)
    average.load_state_dict(model.state_dict())
    trained = list(model.parameters())
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    steppers = optimisers_of(model, args.rate)
    path, log = args.work / "denoiser.pt", args.work / "denoiser.csv"
    step, used = 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True, map_location=args.device)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for stepper, saved in zip(steppers, state["optimisers"]):
            stepper.load_state_dict(saved)
        step, used = state["step"], state["seconds"]
    elif args.start:
        weights = torch.load(args.start, weights_only=True, map_location=args.device)["average"]
        model.load_state_dict(weights)
        average.load_state_dict(weights)
    if step == 0 and rank == 0:
        log.write_text("step,minutes,rate," + ",".join(f"loss_{n}" for n in LENGTHS) + "\n")
    captured = args.device == "cuda" and not args.eager
    stages = LONG_STAGES if args.long else STAGES
    data = Shards(args.latents, 31 * step + rank, TextEncoder(args.text)([""])[0][0], TEXT_DROPOUT, args.device, MAX_TOKENS if captured else 0)
    torch.manual_seed(7 + step * 10 + rank)
    same = np.random.default_rng(step)
    share_of_average = torch.zeros((), device=args.device)

    def gradients(latents, weights, text, mask, times, noise):
        loss, error = flow_loss(model, Batch(latents, weights, text, mask), times, noise)
        loss.backward()
        return error

    def update():
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for stepper in steppers:
            stepper.step()
        torch._foreach_zero_([p.grad for p in trained])
        move_average(average, model, share_of_average)

    passes = dict.fromkeys(LENGTHS, gradients)
    if captured:
        pool, stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream()
        passes = {n: Captured(gradients, pool, stream) for n in LENGTHS}
        update = Captured(update, pool, stream)

    def add_gradients(frames: int, clips: int, all_named: bool) -> torch.Tensor | None:
        drawn = data.batch(clips, frames, all_named)
        if drawn is None:
            return None
        times, noise = random_times(clips, frames, args.device), torch.randn_like(drawn.latents)
        return passes[frames](drawn.latents, drawn.weights, drawn.text, drawn.mask, times, noise).clone()

    def capture():
        """Whatever there are clips for by now. What that takes is not training: its gradients are dropped."""
        for frames, clips in {(frames, clips) for _, _, batches in stages for frames, clips, _ in batches}:
            if not passes[frames].captured:
                add_gradients(frames, clips * args.scale, False)
        torch._foreach_zero_([p.grad for p in trained])

    if captured:
        capture()
        set_rates(steppers, 0.0)
        update()
    total, clock, reported = args.minutes * 60, Clock(used), used
    losses: dict[int, list[torch.Tensor]] = {n: [] for n in LENGTHS}

    while clock.used < total:
        share = clock.used / total
        all_named, batches = [(named, batches) for start, named, batches in stages if share >= start][-1]
        rate = args.rate * min(1, (step + 1) / 40) * min(1, 0.03 + 0.97 * (1 - share) / 0.8)
        set_rates(steppers, rate)
        for frames, clips, every in batches:
            if step % every:
                continue
            # Short clips stand for parts of long ones.
            farthest = DENOISER["max_grid"][0] - frames
            model.pos_embed.start.fill_(int(same.integers(0, min(34, farthest) if same.random() < 0.8 else farthest)) if same.random() < 0.5 else 0)
            error = add_gradients(frames, clips * args.scale, all_named)
            if error is not None:
                losses[frames].append(error)
        average_gradients(trained)
        share_of_average.fill_(max(AVERAGE, 20 / (step + 21)))
        update()
        step += 1
        used = clock.tick()
        if used - reported >= 60 * args.report or used >= total:
            reported = used
            data.refresh()
            if captured:
                capture()
            if rank == 0:
                figures = ",".join(f"{torch.stack(losses[n]).mean().item():.4f}" if losses[n] else "" for n in LENGTHS)
                line = f"{step},{used / 60:.1f},{rate:.5f},{figures}"
                print(line, flush=True)
                with log.open("a") as file:
                    file.write(line + "\n")
                save(path, dict(model=model.state_dict(), average=average.state_dict(), optimisers=[s.state_dict() for s in steppers],
                                step=step, seconds=used, config=DENOISER))
            for seen in losses.values():
                seen.clear()


if __name__ == "__main__":
    main()
