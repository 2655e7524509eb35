"""Trains the denoiser of lingen-nano on encoded clips (see make_latents), by flow matching.

    python -m train.train_denoiser --work DIR --latents DIR/latents --minutes 70

Three stages, as shares of the time: single latent frames (half a second), short clips, then up to the longest clips that
are there. Every stage keeps some of the earlier lengths. DIR/denoiser.pt is replaced whole; a run resumes from it, and
looks for new shards from time to time, so encoding may go on while it runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from lingen_torch.layers import PositionEmbedding
from train.export import DENOISER
from train.parallel import Clock, average_gradients, launch, save
from world.embed import TextEncoder

# From this share of the time on: {latent frames: share of the steps}.
STAGES = ((0.00, {1: 0.75, 4: 0.25}), (0.65, {1: 0.25, 4: 0.60, 12: 0.15}), (0.88, {1: 0.10, 4: 0.40, 12: 0.25, 34: 0.25}))
TOKENS = {1: 1088}
MOST_TOKENS = 2176
TEXT_DROPOUT = 0.1
OBJECT_WEIGHT = 3.0
POSITION_SCALE = 0.2


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
                content = {name: file[name] for name in ("latent", "object", "text", "length")}
            content["end"] = np.cumsum(content["length"])
            self.known.add(path)
            self.shards.append(content)

    def longest(self) -> int:
        return max(s["latent"].shape[2] for s in self.shards)

    def batch(self, count: int, frames: int):
        """latents [count, C, frames, h, w], weights alike without C, texts (list of [L, 384])."""
        fits = [s for s in self.shards if s["latent"].shape[2] >= frames]
        sizes = np.array([len(s["latent"]) * (1 if s["latent"].shape[2] < 8 or frames > 4 else 0.5) for s in fits], float)
        latents, weights, texts = [], [], []
        for index in self.rng.choice(len(fits), count, p=sizes / sizes.sum()):
            part = fits[index]
            clip = self.rng.integers(len(part["latent"]))
            start = self.rng.integers(part["latent"].shape[2] - frames + 1)
            latents.append(part["latent"][clip, :, start:start + frames])
            weights.append(1 + OBJECT_WEIGHT * part["object"][clip, start:start + frames])
            captions = len(part["length"]) // len(part["latent"])
            row = clip * captions + self.rng.integers(captions)
            texts.append(part["text"][part["end"][row] - part["length"][row]:part["end"][row]])
        return torch.from_numpy(np.stack(latents)).float(), torch.from_numpy(np.stack(weights)).float(), texts


def pad_texts(texts: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """[B, L, 384] and the mask [B, L]."""
    length = max(len(t) for t in texts)
    padded, mask = torch.zeros(len(texts), length, texts[0].shape[1]), torch.zeros(len(texts), length)
    for i, text in enumerate(texts):
        padded[i, :len(text)] = torch.from_numpy(text.astype(np.float32))
        mask[i, :len(text)] = 1
    return padded, mask


def random_times(count: int) -> torch.Tensor:
    """Logit-normal, towards the noise, where a clip's content is decided; one in five uniform."""
    times = torch.sigmoid(1.2 * torch.randn(count) - 0.5)
    return torch.where(torch.rand(count) < 0.2, torch.rand(count), times)


def build(config: dict) -> Denoiser:
    model = Denoiser(DenoiserConfig.of(config))
    model.pos_embed = ShiftedPositions(config["max_grid"], config["hidden_size"])
    for block in model.blocks:
        # Gates start at zero: every block starts as the identity.
        block.scale_shift_table.data[[2, 5]] = 0
    return model


def optimisers(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices, AdamW for the rest."""
    matrices = [p for n, p in model.named_parameters() if n.startswith("blocks.") and p.ndim == 2 and n.endswith("weight") and ".conv." not in n]
    chosen = set(map(id, matrices))
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.99), weight_decay=0.0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=70, help="length of the whole schedule, resumed parts included")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    launch(train, args.processes, args)


def train(rank: int, args: argparse.Namespace) -> None:
    torch.manual_seed(1)
    model, average = build(DENOISER).to(args.device), build(DENOISER).to(args.device)
    average.load_state_dict(model.state_dict())
    steppers = optimisers(model, args.rate)
    path, log = args.work / "denoiser.pt", args.work / "denoiser.csv"
    step, used = 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for stepper, saved in zip(steppers, state["optimisers"]):
            stepper.load_state_dict(saved)
        step, used = state["step"], state["seconds"]
    elif rank == 0:
        log.write_text("step,minutes,rate,loss_1,loss_4,loss_12,loss_34\n")
    empty = TextEncoder()([""])[0][0]
    data = Shards(args.latents, 31 * step + rank)
    torch.manual_seed(7 + step * 10 + rank)
    same = np.random.default_rng(step)
    total, clock, reported = args.minutes * 60, Clock(used), used
    losses: dict[int, list[float]] = {1: [], 4: [], 12: [], 34: []}
    while clock.used < total:
        share = clock.used / total
        # Every process draws the same length, so that no one waits.
        mix = [m for start, m in STAGES if share >= start][-1]
        frames = int(same.choice(list(mix), p=list(mix.values())))
        frames = min(frames, data.longest())
        latent, weight, texts = data.batch(max(1, TOKENS.get(frames, MOST_TOKENS) // (64 * frames)), frames)
        count = len(latent)
        texts = [empty if np.random.random() < TEXT_DROPOUT else t for t in texts]
        text, mask = pad_texts(texts)
        times, noise = random_times(count), torch.randn_like(latent)
        latent, weight, text, mask, times, noise = (x.to(args.device) for x in (latent, weight, text, mask, times, noise))
        spread = times[:, None, None, None, None]
        farthest = DENOISER["max_grid"][0] - frames
        model.pos_embed.start = int(same.integers(0, min(34, farthest) if same.random() < 0.8 else farthest)) if same.random() < 0.6 else 0
        rate = args.rate * min(1, (step + 1) / 40) * min(1, 0.03 + 0.97 * (1 - share) / 0.6)
        for stepper, part in zip(steppers, (1.0, 0.5)):
            for group in stepper.param_groups:
                group["lr"] = part * rate
        with torch.autocast(args.device, torch.bfloat16):
            velocity = model(spread * latent + (1 - spread) * noise, times, [text], [mask])
        error = (velocity.float() - (latent - noise)).square().mean(1)
        loss = (error * weight).sum() / weight.sum()
        for stepper in steppers:
            stepper.zero_grad(set_to_none=False)
        loss.backward()
        average_gradients(model.parameters())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
        step += 1
        decay = min(0.998, step / (step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        losses.setdefault(frames, []).append(error.mean().item())
        used = clock.tick()
        if used - reported >= 60 or used >= total:
            reported = used
            data.refresh()
            if rank == 0:
                figures = ",".join(f"{np.mean(losses[n]):.4f}" if losses[n] else "" for n in (1, 4, 12, 34))
                line = f"{step},{used / 60:.1f},{rate:.5f},{figures}"
                print(line, flush=True)
                with log.open("a") as file:
                    file.write(line + "\n")
                losses = {n: [] for n in losses}
                save(path, dict(model=model.state_dict(), average=average.state_dict(), optimisers=[s.state_dict() for s in steppers],
                                step=step, seconds=used, config=DENOISER))


if __name__ == "__main__":
    main()
