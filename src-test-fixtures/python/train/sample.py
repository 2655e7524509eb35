"""Samples clips from the trained model in PyTorch and judges them: the report of world.pipeline, before anything is exported.

    python -m train.sample --decoder DIR/decoder-final.pt --denoiser DIR/denoiser.pt --report DIR/now --seconds 4
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch

from lingen_torch import sampler
from lingen_torch.autoencoder import Autoencoder
from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from train import compiled
from train.export import SAMPLING
from train.make_latents import load_autoencoder
from train.shards import pad_texts
from train.train_decoder import to_frames
from world.embed import TextEncoder
from world.prompts import BY_HAND, Prompt, read
from world.render import FPS
from world.report import Result, write


SIDE = 128


@torch.no_grad()
def sample(model: Denoiser, text: TextEncoder, prompts: list[Prompt], frames: int, times: list[float], guidance: float, eta: float,
           cells: int) -> torch.Tensor:
    """Latents [B, 16, frames, cells, cells], normalized; each from its prompt's seed."""
    count = len(prompts)
    padded, mask = pad_texts([text([p.prompt])[0][0] for p in prompts])
    empty = torch.from_numpy(text([""])[0]).repeat(count, 1, 1)
    generators = [torch.Generator().manual_seed(p.seed) for p in prompts]

    def noise(step: int = 0) -> torch.Tensor:
        return torch.stack([torch.randn(16, frames, cells, cells, generator=generator) for generator in generators])

    with torch.autocast("cpu", torch.bfloat16):
        condition, nothing = model.condition([padded], [mask]), model.condition([empty])

        def field(conditioning):
            return lambda x, t: model.velocity(x, torch.full((count,), t), conditioning).float()

        for x in sampler.sample(sampler.guided(field(condition), field(nothing), guidance), noise(), times, eta, noise):
            pass
    return x


def load_denoiser(path: Path) -> tuple[Denoiser, dict]:
    """The averaged weights of a checkpoint, ready to sample from, and the checkpoint."""
    found = torch.load(path, weights_only=True, map_location="cpu")
    model = Denoiser(DenoiserConfig.of(found["config"])).eval()
    model.load_state_dict(found["average"])
    return model, found


def judged(model: Denoiser, decoder: Autoencoder, text: TextEncoder, prompts: list[Prompt], seconds: float, times: list[float], guidance: float,
           eta: float, batch: int) -> Iterator[Result]:
    """Samples the prompts' clips, `batch` at once, and judges them."""
    cells = SIDE // decoder.config.compression[1]
    for start in range(0, len(prompts), batch):
        part = prompts[start : start + batch]
        for prompt, latent in zip(part, sample(model, text, part, int(seconds * 2), times, guidance, eta, cells)):
            with torch.no_grad():
                clip = to_frames(decoder.decode(latent[None])[0])
            yield Result.of(prompt, clip, FPS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True, help="folder")
    parser.add_argument("--prompts", type=Path, default=BY_HAND, help="made by world.prompts")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--schedule", default=SAMPLING["schedule"], help="linear_quadratic, uniform, shifted or shifted:S")
    parser.add_argument("--steps", type=int, default=SAMPLING["steps"])
    parser.add_argument("--guidance", type=float, default=SAMPLING["guidance"])
    parser.add_argument("--eta", type=float, default=SAMPLING["eta"])
    parser.add_argument("--first", type=int, help="only that many prompts")
    parser.add_argument("--batch", type=int, default=10, help="so many at once")
    args = parser.parse_args()
    try:
        times = sampler.named(args.schedule)(args.steps)
    except ValueError as e:
        parser.error(f"--schedule: {e}")
    torch.set_num_threads(1)
    compiled.install("cpu")
    model, found = load_denoiser(args.denoiser)
    results = []
    for result in judged(model, load_autoencoder(args.decoder), TextEncoder(), read(args.prompts)[: args.first], args.seconds, times, args.guidance,
                         args.eta, args.batch):
        results.append(result)
        print(f"{result.prompt.prompt}\n    {' '.join(result.wrong) or 'right'}; seen {result.seen}", flush=True)
    print(write(results, args.report, f"Step {found['step']}, {args.seconds:g} s, {args.steps} steps, {args.schedule}, guidance {args.guidance:g}, eta {args.eta:g}"))


if __name__ == "__main__":
    main()
