"""Samples clips from the trained model and judges them: contact sheets and counts.

    python -m train.sample --decoder DIR/decoder-final.pt --denoiser DIR/denoiser.pt --output DIR/sheets/now.png --seconds 4
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lingen_torch import sampler
from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from train.make_latents import load_autoencoder
from train.train_denoiser import pad_texts
from world.captions import Caption
from world.embed import TextEncoder
from world.evaluate import flicker, judge, look
from world.render import Scene, Thing

# (prompt, background, objects as "colour shape motion"): held apart from training, which draws its own.
PROMPTS = (
    ("a red circle moves to the right over a night sky", "night sky", ["red circle right"]),
    ("a large blue square drifts left over a gray background", "gray", ["blue square left"]),
    ("a small yellow star moves up slowly on a navy background", "navy", ["yellow star up"]),
    ("a green triangle slides downwards over a black background", "black", ["green triangle down"]),
    ("a big purple ring circles clockwise over a checkerboard", "checkerboard", ["purple ring clockwise"]),
    ("night sky, an orange cross spinning in place", "night sky", ["orange cross spinning"]),
    ("a white circle grows on a forest green background", "forest", ["white circle growing"]),
    ("a cyan square stays still in front of a navy background", "navy", ["cyan square still"]),
    ("a large red star circles counter-clockwise over a night sky", "night sky", ["red star counterclockwise"]),
    ("a yellow ring bounces off the borders quickly over a gray background", "gray", ["yellow ring bouncing"]),
)
TWO = (
    ("a red circle moves right and a blue square moves left over a black background", "black", ["red circle right", "blue square left"]),
    ("two shapes: a green star staying still, and a white ring circling clockwise", None, ["green star still", "white ring clockwise"]),
)


@torch.no_grad()
def sample(model: Denoiser, text: TextEncoder, prompts: list[str], frames: int, times: list[float], guidance: float, seed: int) -> torch.Tensor:
    """Latents [B, 16, frames, 16, 16], normalised."""
    count = len(prompts)
    padded, mask = pad_texts([text([p])[0][0] for p in prompts])
    empty = torch.from_numpy(text([""])[0]).repeat(count, 1, 1)
    noise = [torch.randn(16, frames, 16, 16, generator=torch.Generator().manual_seed(seed + i)) for i in range(count)]
    with torch.autocast("cpu", torch.bfloat16):
        condition, nothing = model.condition([padded], [mask]), model.condition([empty])

        def field(conditioning):
            return lambda x, t: model.velocity(x, torch.full((count,), t), conditioning).float()

        for x in sampler.sample(sampler.guided(field(condition), field(nothing), guidance), torch.stack(noise), times):
            pass
    return x


def scene_of(background: str | None, objects: list[str]) -> tuple[Scene, Caption]:
    things, names = [], set() if background is None else {("background", -1)}
    for i, words in enumerate(objects):
        colour, shape, motion = words.split()
        things.append(Thing(shape, colour, "large", motion, "plain", 0.2, 0.5, 0.5, 0.0, 0.0))
        names |= {("colour", i), ("shape", i), ("motion", i)}
    return Scene(1.0, background or "black", tuple(things)), Caption("", frozenset(names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="contact sheet, one row a prompt")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--schedule", choices=("linear_quadratic", "uniform", "shifted"), default="linear_quadratic")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--two", action="store_true", help="prompts with two objects too")
    parser.add_argument("--first", type=int, help="only that many prompts")
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = torch.load(args.denoiser, weights_only=True)
    model = Denoiser(DenoiserConfig.of(found["config"])).eval()
    model.load_state_dict(found["average"])
    decoder, text = load_autoencoder(args.decoder), TextEncoder()
    prompts = (PROMPTS + (TWO if args.two else ()))[:args.first]
    frames = int(args.seconds * 2)
    latents = sample(model, text, [p[0] for p in prompts], frames, getattr(sampler, args.schedule)(args.steps), args.guidance, args.seed)
    rows, counts = [], defaultdict(list)
    for latent, (prompt, background, objects) in zip(latents, prompts):
        with torch.no_grad():
            clip = decoder.decode(latent[None])[0].clamp(-1, 1)
        clip = ((clip.permute(1, 2, 3, 0) + 1) * 127.5).round().byte().numpy()
        scene, caption = scene_of(background, objects)
        verdict = judge(clip, scene, caption)
        for name, right in verdict.items():
            counts[re.sub(r"\..*", "", name)].append(right)
        seen = look(clip)
        print(f"{prompt}\n    {' '.join(n if ok else n.upper() + '!' for n, ok in verdict.items())}; seen: {seen[0]}, "
              f"{', '.join(f'{s.colour} {s.shape} {s.motion} {s.area:.3f}' for s in seen[1])}; flicker {flicker(clip):.4f}")
        rows.append(np.concatenate(list(clip[np.linspace(0, len(clip) - 1, 10).astype(int)]), 1))
    print("right:", ", ".join(f"{name} {sum(r)}/{len(r)}" for name, r in counts.items()), f"(step {found['step']}, guidance {args.guidance})")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(args.output)


if __name__ == "__main__":
    main()
