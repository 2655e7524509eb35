"""Renders clips, encodes them and their captions, and writes shards for the denoiser's training.

    python -m train.make_latents --decoder DIR/decoder-final.pt --output DIR/latents --seconds 2 --clips 8000

A shard is one .npz of 500 seconds: `latent` float16 [N, 16, T, h, w] normalised, `object` bool [N, T, h, w] (the
cells near an object), `part` [N] (what part of a clip its captions are true of), `things` and `background` (layout.layout),
`text` float16 [sum of L, 384] and `length` [N * captions], and `caption` strings; the first caption of a clip names everything.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lingen_torch.autoencoder import Autoencoder, AutoencoderConfig
from train.layout import layout
from train.train_decoder import to_tensor
from world.captions import caption
from world.embed import TextEncoder
from world.render import Scene, random_scene, render

SHARD_SECONDS = 500
CAPTIONS = 4
# What part of a clip its captions are true of: the whole one only, what begins with its first frame, or any.
WHOLE, BEGINNING, ANY = range(3)


def load_autoencoder(path: Path, device: str = "cpu") -> Autoencoder:
    found = torch.load(path, weights_only=True, map_location=device)
    model = Autoencoder(AutoencoderConfig(**found["config"])).to(device).eval()
    model.load_state_dict(found["model"])
    return model


def true_of(scene: Scene) -> int:
    """WHOLE, BEGINNING or ANY: which parts of the scene's clip its captions describe."""
    if scene.event is not None:
        return WHOLE
    return BEGINNING if any(thing.motion in ("growing", "shrinking") for thing in scene.things) else ANY


def object_cells(scene: Scene, clip: np.ndarray, cell: tuple[int, int, int]) -> np.ndarray:
    """[T, h, w] bool: the latent cells of `cell` pixels (t, h, w) in or beside which something differs from the bare background."""
    if scene.event is not None and scene.event.kind == "background":
        bare = render(replace(scene, things=()), clip.shape[1], len(clip))
    else:
        bare = render(replace(scene, things=(), event=None), clip.shape[1], 1)
    apart = (np.abs(clip.astype(np.int16) - bare) > 12).any(-1)
    (f, h, w), (ct, ch, cw) = apart.shape, cell
    cells = apart.reshape(f // ct, ct, h // ch, ch, w // cw, cw).any((1, 3, 5))
    return F.max_pool3d(torch.from_numpy(cells)[None, None].float(), 3, 1, 1)[0, 0].bool().numpy()


@torch.no_grad()
def shard(model: Autoencoder, text: TextEncoder, rng: np.random.Generator, args: argparse.Namespace, count: int) -> dict:
    latents, objects, parts, layouts, words, lengths, captions = [], [], [], [], [], [], []
    for _ in range(count):
        scene = random_scene(rng, args.seconds, args.two, args.event)
        clip = render(scene)
        with torch.autocast(args.device, torch.bfloat16):
            latent = model.encode(to_tensor(clip[None]).to(args.device))
        latents.append(latent[0].cpu().numpy().astype(np.float16))
        objects.append(object_cells(scene, clip, model.config.compression))
        parts.append(true_of(scene))
        layouts.append(layout(scene, len(clip), model.config.compression[0]))
        texts = [caption(scene, rng, keep=float(i == 0)).text for i in range(CAPTIONS)]
        hidden, mask = text(texts)
        words += [h[m].astype(np.float16) for h, m in zip(hidden, mask)]
        lengths += mask.sum(1).tolist()
        captions += texts
    return dict(latent=np.stack(latents), object=np.stack(objects), part=np.array(parts, np.int8),
                things=np.stack([things for things, _ in layouts]), background=np.stack([background for _, background in layouts]),
                text=np.concatenate(words), length=np.array(lengths), caption=np.array(captions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--two", type=float, default=0.2, help="share of clips with two objects")
    parser.add_argument("--event", type=float, default=0.0, help="share of clips with an event")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model, text = load_autoencoder(args.decoder, args.device), TextEncoder()
    size = max(1, int(SHARD_SECONDS / args.seconds))
    for index in range(-(-args.clips // size)):
        path = args.output / f"{args.seconds:g}s-{args.seed}-{index:04d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([args.seed, index, int(args.seconds * 16)])
        content = shard(model, text, rng, args, min(size, args.clips - index * size))
        with open(path.with_suffix(".tmp"), "wb") as file:
            np.savez(file, **content)
        os.replace(path.with_suffix(".tmp"), path)
        print(json.dumps({"shard": path.name, "clips": len(content["latent"]), "std": round(float(content["latent"].astype(np.float32).std()), 3)}), flush=True)


if __name__ == "__main__":
    main()
