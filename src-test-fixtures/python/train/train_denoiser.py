"""Trains the denoiser of lingen-nano on encoded clips (see make_latents), by flow matching.

    python -m train.train_denoiser --work DIR --latents DIR/latents --minutes 70

Beside the velocity, tokens in the middle of the network are asked where which object is (layout). The stages are shares of the time: single latent frames (half a second) beside clips of two seconds, then clips of 17 and of
68 seconds beside shorter ones, at last only captions that name everything. DIR/denoiser.pt is replaced whole; a run resumes
from it, and looks for new shards from time to time, so encoding may go on while it runs. `--start FILE` begins with the
averaged weights of another checkpoint.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from lingen_torch.layers import PositionEmbedding
from train import compiled
from train.export import DENOISER
from train.layout import LayoutProbe
from train.make_latents import ANY, WHOLE
from train.optimise import optimisers, set_rates
from train.parallel import Clock, average_gradients, launch, save
from world.embed import TextEncoder

# From this share of the time on: whether only captions that name everything are used, and the batches of a step in every process:
# (latent frames, clips, every so many steps).
STAGES = (
    (0.00, False, ((1, 64, 1), (4, 32, 1))),
    (0.15, False, ((1, 32, 2), (4, 32, 1), (34, 4, 1))),
    (0.70, False, ((1, 32, 4), (4, 24, 1), (34, 4, 1), (136, 1, 2))),
    (0.92, True, ((1, 32, 4), (4, 24, 1), (34, 4, 1), (136, 1, 2))),
)
LENGTHS = (1, 4, 34, 136)
TEXT_DROPOUT = 0.1
OBJECT_WEIGHT = 3.0
POSITION_SCALE = 0.2
# The layout probe reads what leaves this block; its loss weighs so much beside the velocity's.
PROBED_BLOCK = 3
PROBE_WEIGHT = 0.1


class ShiftedPositions(PositionEmbedding):
    """Position tables of which a training step may use a later part of the time axis: short clips stand for parts of long ones."""

    def __init__(self, max_grid, d):
        super().__init__(max_grid, d)
        self.start = 0
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
        return (self.t[self.start:self.start + t, None, None] + self.h[:h, None] + self.w[:w]).flatten(0, 2)


@dataclass(frozen=True)
class Batch:
    """Latents [B, C, T, h, w], weights alike without C, texts (B times [L, 384]); things and background as layout.layout has them."""

    latents: torch.Tensor
    weights: torch.Tensor
    texts: list[np.ndarray]
    things: torch.Tensor
    background: torch.Tensor


class Shards:
    """All clips on disk, in memory. Draws batches of any length that is there."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.rng = folder, np.random.default_rng(seed)
        self.known: set[Path] = set()
        self.shards: list[dict] = []
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(set(self.folder.glob("*.npz")) - self.known):
            with np.load(path) as file:
                content = {name: file[name] for name in ("latent", "object", "part", "things", "background", "text", "length")}
            content["end"] = np.cumsum(content["length"])
            self.known.add(path)
            self.shards.append(content)

    def batch(self, count: int, frames: int, all_named: bool = False) -> Batch | None:
        """None while no clip is that long."""
        fits = []
        for shard in self.shards:
            spare = shard["latent"].shape[2] - frames
            if spare >= 0:
                clips = np.flatnonzero(shard["part"] != WHOLE) if spare else np.arange(len(shard["part"]))
                fits.append((shard, clips, len(clips) * min(8, 1 + spare // frames)))
        if not fits:
            return None
        sizes = np.array([size for _, _, size in fits], float)
        latents, weights, texts, things, backgrounds = [], [], [], [], []
        for index in self.rng.choice(len(fits), count, p=sizes / sizes.sum()):
            shard, clips, _ = fits[index]
            clip = clips[self.rng.integers(len(clips))]
            start = self.rng.integers(shard["latent"].shape[2] - frames + 1) if shard["part"][clip] == ANY else 0
            latents.append(shard["latent"][clip, :, start:start + frames])
            weights.append(1 + OBJECT_WEIGHT * shard["object"][clip, start:start + frames])
            things.append(shard["things"][clip, :, start:start + frames])
            backgrounds.append(shard["background"][clip, start:start + frames])
            captions = len(shard["length"]) // len(shard["latent"])
            row = clip * captions + (0 if all_named else self.rng.integers(captions))
            texts.append(shard["text"][shard["end"][row] - shard["length"][row]:shard["end"][row]])
        return Batch(torch.from_numpy(np.stack(latents)).float(), torch.from_numpy(np.stack(weights)).float(), texts,
                     torch.from_numpy(np.stack(things)), torch.from_numpy(np.stack(backgrounds)))


def pad_texts(texts: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """[B, L, 384] and the mask [B, L]."""
    length = max(len(t) for t in texts)
    padded, mask = torch.zeros(len(texts), length, texts[0].shape[1]), torch.zeros(len(texts), length)
    for i, text in enumerate(texts):
        padded[i, :len(text)] = torch.from_numpy(text.astype(np.float32))
        mask[i, :len(text)] = 1
    return padded, mask


def random_times(count: int, frames: int) -> torch.Tensor:
    """Logit-normal, towards the noise, where a clip's content is decided; one in five uniform.

    The frames of a clip say the same thing many times over, so the longer it is the more noise leaves it legible: the
    median of t / (1 - t) falls with the root of the number of frames.
    """
    times = torch.sigmoid(1.2 * torch.randn(count) - 0.5 - 0.5 * math.log(frames))
    return torch.where(torch.rand(count) < 0.2, torch.rand(count), times)


def flow_loss(model: Denoiser, drawn: Batch, times: torch.Tensor, noise: torch.Tensor, empty: np.ndarray | None = None, dropout: float = 0.0,
              rng: np.random.Generator | None = None, device: str = "cpu") -> tuple[torch.Tensor, float]:
    """The weighted loss of one batch, and its plain mean squared error. `dropout` of the texts become `empty`, drawn by `rng`."""
    text, mask = pad_texts([empty if dropout and rng.random() < dropout else t for t in drawn.texts])
    latent, weight, text, mask, times, noise = (x.to(device) for x in (drawn.latents, drawn.weights, text, mask, times, noise))
    spread = times[:, None, None, None, None]
    with torch.autocast(device, torch.bfloat16):
        velocity = model(spread * latent + (1 - spread) * noise, times, [text], [mask])
    error = (velocity.float() - (latent - noise)).square().mean(1)
    return (error * weight).sum() / weight.sum(), error.mean().item()


class ProbedBlock:
    """Keeps what leaves a block of the model, for the probe's loss."""

    def __init__(self, model: Denoiser, probe: LayoutProbe):
        self.probe, self.patch = probe, model.config.patch_size
        model.blocks[PROBED_BLOCK].register_forward_hook(lambda block, inputs, output: setattr(self, "hidden", output))

    def loss(self, drawn: Batch) -> torch.Tensor:
        grid = tuple(n // p for n, p in zip(drawn.latents.shape[2:], self.patch))
        return self.probe.loss(self.hidden, grid, drawn.things, drawn.background)


def move_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)


def build(config: dict) -> Denoiser:
    model = Denoiser(DenoiserConfig.of(config))
    model.pos_embed = ShiftedPositions(config["max_grid"], config["hidden_size"])
    for block in model.blocks:
        # Gates start at zero: every block starts as the identity.
        block.scale_shift_table.data[[2, 5]] = 0
    return model


def optimisers_of(model: nn.Module, rate: float, beside: nn.Module | None = None) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices, AdamW for the rest and for what is trained `beside` the model."""
    matrices = [p for n, p in model.named_parameters() if n.startswith("blocks.") and p.ndim == 2 and n.endswith("weight") and ".conv." not in n]
    chosen = set(map(id, matrices))
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return optimisers(matrices, rest + (list(beside.parameters()) if beside else []), rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a checkpoint whose averaged weights a new run begins with")
    parser.add_argument("--minutes", type=float, default=70, help="length of the whole schedule, resumed parts included")
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    launch(train, args.processes, args)


def train(rank: int, args: argparse.Namespace) -> None:
    compiled.install()
    torch.manual_seed(1)
    model, average = build(DENOISER).to(args.device), build(DENOISER).to(args.device)
    average.load_state_dict(model.state_dict())
    probe = LayoutProbe(DENOISER["hidden_size"])
    probed = ProbedBlock(model, probe)
    trained = [*model.parameters(), *probe.parameters()]
    steppers = optimisers_of(model, args.rate, probe)
    path, log = args.work / "denoiser.pt", args.work / "denoiser.csv"
    step, used = 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        probe.load_state_dict(state["probe"])
        for stepper, saved in zip(steppers, state["optimisers"]):
            stepper.load_state_dict(saved)
        step, used = state["step"], state["seconds"]
    elif args.start:
        weights = torch.load(args.start, weights_only=True)["average"]
        model.load_state_dict(weights)
        average.load_state_dict(weights)
    if step == 0 and rank == 0:
        log.write_text("step,minutes,rate," + ",".join(f"loss_{n}" for n in LENGTHS) + ",probe\n")
    empty = TextEncoder()([""])[0][0]
    data = Shards(args.latents, 31 * step + rank)
    torch.manual_seed(7 + step * 10 + rank)
    same = np.random.default_rng(step)
    total, clock, reported = args.minutes * 60, Clock(used), used
    losses: dict[int, list[float]] = {n: [] for n in LENGTHS}
    asks: list[float] = []

    while clock.used < total:
        share = clock.used / total
        all_named, batches = [(named, batches) for start, named, batches in STAGES if share >= start][-1]
        rate = args.rate * min(1, (step + 1) / 40) * min(1, 0.03 + 0.97 * (1 - share) / 0.8)
        set_rates(steppers, rate)
        for stepper in steppers:
            stepper.zero_grad(set_to_none=False)
        for frames, clips, every in batches:
            drawn = data.batch(clips, frames, all_named) if step % every == 0 else None
            if drawn is None:
                continue
            # Short clips stand for parts of long ones.
            farthest = DENOISER["max_grid"][0] - frames
            model.pos_embed.start = int(same.integers(0, min(34, farthest) if same.random() < 0.8 else farthest)) if same.random() < 0.5 else 0
            loss, error = flow_loss(model, drawn, random_times(clips, frames), torch.randn_like(drawn.latents), empty, TEXT_DROPOUT, data.rng, args.device)
            asked = probed.loss(drawn)
            (loss + PROBE_WEIGHT * asked).backward()
            losses[frames].append(error)
            asks.append(asked.item())
        average_gradients(trained)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for stepper in steppers:
            stepper.step()
        step += 1
        move_average(average, model, min(0.998, step / (step + 20)))
        used = clock.tick()
        if used - reported >= 60 or used >= total:
            reported = used
            data.refresh()
            if rank == 0:
                figures = ",".join(f"{np.mean(losses[n]):.4f}" if losses[n] else "" for n in LENGTHS)
                line = f"{step},{used / 60:.1f},{rate:.5f},{figures},{np.mean(asks):.4f}"
                print(line, flush=True)
                with log.open("a") as file:
                    file.write(line + "\n")
                save(path, dict(model=model.state_dict(), average=average.state_dict(), probe=probe.state_dict(), optimisers=[s.state_dict() for s in steppers],
                                step=step, seconds=used, config=DENOISER))
            for seen in (asks, *losses.values()):
                seen.clear()


if __name__ == "__main__":
    main()
