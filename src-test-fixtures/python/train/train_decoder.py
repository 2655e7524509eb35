"""Trains the autoencoder of lingen-nano on the shapes world.

    python -m train.train_decoder --work DIR --minutes 45

First on crops of 64x64 and 16 frames for a share of the time, `--crops`, then on whole frames of 128x128. The learning rate follows
the share of the time that has been used. `--refine` goes on from DIR/decoder-final.pt with the decoder alone and on whole frames, for the
clips' PSNR: the latents stay what they are, so a denoiser that was trained on them keeps its worth. DIR/decoder.pt (weights, averaged weights, optimizer, step) is replaced whole; a run resumes from it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lingen_torch.autoencoder import Autoencoder, AutoencoderConfig
from train.device import send
from train.optimise import move_average, optimisers, set_rates
from train.parallel import Clock, average_gradients, launch, save
from world.render import random_scene, render

CHANNELS = 16
CONFIG = dict(
    latent_channels=CHANNELS, out_channels=3, widths=[128, 64, 32], upsample=[[2, 2, 2], [2, 2, 2]], patch_size=[2, 4, 4],
    layers_per_level=1, mid_layers=2, attention=False, attention_heads=1, norm_groups=8,
    latent_mean=[0.0] * CHANNELS, latent_std=[1.0] * CHANNELS, tile={"latent_frames": 10, "overlap": 2, "margin": 0})
LATENT_NOISE = 0.12
# Of so many random crops the one with the most to see is taken.
CROPS = 4


class Pool:
    """Rendered clips on a device, a few of them replaced at every draw: cheaper than rendering each crop anew. A share of `skies` gets the night sky."""

    def __init__(self, seed: int, size: int = 160, skies: float = 0.0, device: str = "cpu"):
        self.rng, self.skies, self.device = np.random.default_rng(seed), skies, device
        self.clips = [self._clip() for _ in range(size)]

    def _clip(self) -> torch.Tensor:
        side = 64 if self.rng.random() < 0.12 else 128
        event = 0.3
        scene = random_scene(self.rng, 3.0, two=0.4, event=event)
        if self.rng.random() < self.skies:
            scene = replace(scene, background="night sky")
        return send(render(scene, side), self.device)

    def _crop(self, frames: int, side: int) -> torch.Tensor:
        clip = self.clips[self.rng.integers(len(self.clips))]
        while clip.shape[1] < side:
            clip = self.clips[self.rng.integers(len(self.clips))]
        start = self.rng.integers(clip.shape[0] - frames + 1)
        if clip.shape[1] == side:
            return clip[start:start + frames]
        options = []
        for _ in range(CROPS):
            y, x = self.rng.integers(clip.shape[1] - side + 1, size=2)
            options.append(clip[start:start + frames, y:y + side, x:x + side])
        return max(options, key=lambda c: c[frames // 2].float().std().item())

    def batch(self, count: int, frames: int, side: int, fresh: int = 2) -> torch.Tensor:
        """[count, 3, frames, side, side] in [-1, 1]."""
        for _ in range(fresh):
            self.clips[self.rng.integers(len(self.clips))] = self._clip()
        return to_tensor(torch.stack([self._crop(frames, side) for _ in range(count)]))


def to_tensor(clips: np.ndarray | torch.Tensor) -> torch.Tensor:
    """uint8 [B, F, H, W, 3] -> float [B, 3, F, H, W] in [-1, 1], on the same device."""
    return torch.as_tensor(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def to_frames(clip: torch.Tensor) -> np.ndarray:
    """One decoded clip [3, F, H, W], whatever its range -> uint8 [F, H, W, 3]."""
    return ((clip.float().clamp(-1, 1).permute(1, 2, 3, 0) + 1) * 127.5).round().byte().numpy()


def reconstruction_loss(output: torch.Tensor, frames: torch.Tensor, detail: float) -> torch.Tensor:
    """Absolute and squared error, and the absolute error of the spatial differences, which keeps outlines sharp.

    Details count more: stars are so few and small that a plain mean would leave them out.
    """
    error = output - frames
    b, c, f, h, w = frames.shape
    blocks = frames.view(b, c, f, h // 4, 4, w // 4, 4)
    weight = 1 + detail * (blocks - blocks.mean((4, 6), keepdim=True)).abs().view_as(frames)
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return (weight * (error.abs() + error.square())).mean() + 0.5 * edges


def log_error(output: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
    """Mean over the clips of the logarithm of the squared error: PSNR's mean but for a factor. A clip of small errors counts as much as any."""
    return ((output - frames).square().mean((1, 2, 3, 4)) + 1e-5).log().mean()


@torch.no_grad()
def measure(model: Autoencoder, clips: torch.Tensor) -> tuple[float, float]:
    """Mean and worst PSNR (dB) over clips, one at a time."""
    figures = []
    for clip in clips:
        output = model.decode(model.encode(clip[None])).clamp(-1, 1)
        figures.append(10 * np.log10(4 / ((output - clip[None]) ** 2).mean().item()))
    return float(np.mean(figures)), float(np.min(figures))


@torch.no_grad()
def latent_statistics(model: Autoencoder, pool: Pool, draws: int = 12) -> tuple[list[float], list[float]]:
    """Mean of each latent channel over whole frames, and the units in which all of them together have unit power.

    The noise of the training was alike in the model's units, so an error of one size matters alike in all channels. Units of each
    channel's own deviation would make a denoiser work as hard for channels that hardly say anything.
    """
    z = torch.cat([model.encoder(pool.batch(4, 32, 128, 4)).transpose(0, 1).flatten(1) for _ in range(draws)], 1)
    units = model.std.flatten()
    return z.mean(1).tolist(), (units * (z.std(1) / units).square().mean().sqrt()).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=45, help="length of the whole schedule, resumed parts included")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--refine", action="store_true", help="train only the decoder, on the finished encoder's latents")
    parser.add_argument("--start", type=Path, help="a checkpoint that a new run begins with, encoder and decoder")
    parser.add_argument("--detail", type=float, default=8.0, help="weight of details in the loss, but that of --refine")
    parser.add_argument("--skies", type=float, default=0.0, help="share of clips that get the night sky, whose stars are learnt last")
    parser.add_argument("--crops", type=float, default=0.7, help="share of the time that is spent on crops, unless only the decoder is trained")
    parser.add_argument("--scale", type=int, default=1, help="so many times the clips of a batch")
    parser.add_argument("--config", type=json.loads, default={}, help="fields that replace those of the default config")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    launch(train, args.processes, args)


def train(rank: int, args: argparse.Namespace) -> None:
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    final, name = args.work / "decoder-final.pt", "refine" if args.refine else "decoder"
    begun = final if args.refine else args.start
    finished = torch.load(begun, weights_only=True, map_location=args.device) if begun else None
    config = AutoencoderConfig(**(finished["config"] if begun else {**CONFIG, **args.config}))
    model = Autoencoder(config).to(args.device)
    if begun:
        model.load_state_dict(finished["model"])
    if args.refine:
        model.encoder.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    average = Autoencoder(config).to(args.device)
    average.load_state_dict(model.state_dict())
    matrices = [p for p in trained if p.ndim > 1]
    steppers = optimisers(matrices, [p for p in trained if p.ndim == 1], args.rate)
    path, log = args.work / f"{name}.pt", args.work / f"{name}.csv"
    step, used = 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True, map_location=args.device)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for stepper, saved in zip(steppers, state["optimisers"]):
            stepper.load_state_dict(saved)
        step, used = state["step"], state["seconds"]
    elif rank == 0:
        log.write_text("step,minutes,loss,psnr_mean,psnr_min,latent_std\n")
    held = np.random.default_rng(99)
    truth = to_tensor(np.stack([render(random_scene(held, 2.0, two=0.3), 128) for _ in range(16)])).to(args.device)
    pool = Pool(1000 + step + 7919 * rank, skies=args.skies, device=args.device)
    torch.manual_seed(2 + rank + step)
    total, clock, seen, reported = args.minutes * 60, Clock(used), [], used
    while clock.used < total:
        share = clock.used / total
        whole = args.refine or share >= args.crops
        frames = (16, 32)[step % 2] if whole else (16, 16, 32)[step % 3]
        batch = pool.batch(args.scale * (32 if whole else 128) // frames, frames, 128 if whole else 64, fresh=1)
        warm = min(1, (step + 1) / 200)
        set_rates(steppers, float(args.rate * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * share)))))
        with torch.autocast(args.device, torch.bfloat16):
            z = model.encode(batch).float()
            # What a denoiser makes is never exact; at last it is nearly so.
            level = torch.rand(len(z), 1, 1, 1, 1, device=z.device) ** (2 if args.refine else 1)
            noisy = z + LATENT_NOISE * level * torch.randn_like(z)
            output = model.decode(noisy)
        if args.refine:
            loss = log_error(output.float(), batch)
        else:
            # The encoder could drown the noise by growing its latents; above unit power they cost.
            power = (z.square().mean() - 1).clamp(min=0)
            loss = reconstruction_loss(output.float(), batch, args.detail) + 0.1 * power
        model.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(trained)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for stepper in steppers:
            stepper.step()
        step += 1
        move_average(average, model, max(0.001, 20 / (step + 20)))
        seen.append(loss.detach())
        used = clock.tick()
        if rank == 0 and (used - reported >= 60 or used >= total):
            reported = used
            mean, worst = measure(average, truth)
            line = f"{step},{used / 60:.1f},{torch.stack(seen).mean().item():.5f},{mean:.2f},{worst:.2f},{z.std().item():.3f}"
            print(line, flush=True)
            with log.open("a") as file:
                file.write(line + "\n")
            seen.clear()
            save(path, dict(model=model.state_dict(), average=average.state_dict(),
                            optimisers=[s.state_dict() for s in steppers], step=step, seconds=used, config=json.loads(config.to_json())))
    if rank != 0:
        return
    complete = json.loads(config.to_json())
    if not args.refine:
        complete["latent_mean"], complete["latent_std"] = latent_statistics(average, pool)
    save(final, dict(model=average.state_dict(), config=complete))


if __name__ == "__main__":
    main()
