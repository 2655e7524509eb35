"""How well the autoencoder alone keeps what a film shows: true films, encoded and decoded, judged by their own captions.

    python -m train.judge_decoder --decoder DIR/decoder-final.pt --clips 60

A generated clip can't be expected to fare better. PSNR is that of the 8-bit frames.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from train.make_latents import load_autoencoder
from train.train_decoder import to_tensor
from world.captions import caption
from world.evaluate import Expected, judge
from world.render import random_scene, render


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=60, help="so many films with one object, and as many with two")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=777)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_autoencoder(args.decoder)
    for objects in (1, 2):
        rng = np.random.default_rng([args.seed, objects])
        right, true, wrong, figures = 0, 0, Counter(), []
        for _ in range(args.clips):
            scene = random_scene(rng, args.seconds, two=objects - 1)
            expected, clip = Expected.of(scene, caption(scene, rng, keep=1)), render(scene)
            with torch.no_grad():
                decoded = model.decode(model.encode(to_tensor(clip[None])))[0].clamp(-1, 1)
            made = ((decoded.permute(1, 2, 3, 0) + 1) * 127.5).round().byte().numpy()
            figures.append(10 * np.log10(255 ** 2 / np.square(made.astype(float) - clip).mean()))
            verdict = judge(made, expected)
            right, true = right + verdict.all, true + judge(clip, expected).all
            wrong.update(name.split(".")[0] for name, ok in verdict.right.items() if not ok)
        print(f"{objects} object{'s' * (objects > 1)}: right {right}/{args.clips} (the films themselves {true}/{args.clips}); PSNR {np.mean(figures):.2f} dB, "
              f"worst {min(figures):.2f} dB; wrong: {dict(wrong)}", flush=True)


if __name__ == "__main__":
    main()
