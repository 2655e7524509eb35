"""Renders clips, encodes them and their captions, and writes shards for the denoiser's training.

    python -m train.make_latents --decoder DIR/decoder-final.pt --output DIR/latents --seconds 2 --clips 8000

A shard is one .npz of 500 seconds: `latent` float16 [N, 16, T, h, w] normalized, `object` bool [N, T, h, w] (the
cells near an object), `part` [N] (what part of a clip its captions are true of), `text` float16 [sum of L, 384] and
`length` [N * captions], and `caption` strings; the first caption of a clip names everything.

A clip depends on the seed, its shard and its place alone, whatever the number of processes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lingen_torch.autoencoder import Autoencoder, AutoencoderConfig
from train.device import send
from train.train_decoder import to_tensor
from world.captions import caption
from world.embed import TextEncoder
from world.render import MOTIONS, Scene, random_scene, render

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
        bare = np.broadcast_to(render(replace(scene, things=(), event=None), clip.shape[1], 1), clip.shape)
    ct, ch, cw = cell
    _, h, w, _ = clip.shape
    cells = []
    for start in range(0, len(clip), ct):
        now, then = clip[start:start + ct], bare[start:start + ct]
        apart = (np.maximum(now, then) - np.minimum(now, then) > 12).any((0, 3))
        cells.append(apart.reshape(h // ch, ch, w // cw, cw).any((1, 3)))
    return F.max_pool3d(torch.from_numpy(np.stack(cells))[None, None].float(), 3, 1, 1)[0, 0].bool().numpy()


@dataclass(frozen=True)
class Film:
    """What a shard says of a clip, beside its latent; words are the captions' tokens [L, 384] each."""

    cells: np.ndarray
    part: int
    captions: list[str]
    words: list[np.ndarray]


_text: TextEncoder | None = None


def drawn_scene(rng: np.random.Generator, args: argparse.Namespace) -> Scene:
    while True:
        scene = random_scene(rng, args.seconds, args.two, args.event)
        if not args.motions or any(thing.motion in args.motions for thing in scene.things):
            return scene


def film(place: tuple[int, int], args: argparse.Namespace, cell: tuple[int, int, int]) -> tuple[np.ndarray, Film]:
    """The frames of the clip at a place (shard, index), and what is said of it."""
    global _text
    _text = _text or TextEncoder(args.text)
    rng = np.random.default_rng([args.seed, *place, int(args.seconds * 16)])
    scene = drawn_scene(rng, args)
    frames = render(scene)
    captions = [caption(scene, rng, keep=float(i == 0)).text for i in range(CAPTIONS)]
    hidden, mask = _text(captions)
    return frames, Film(object_cells(scene, frames, cell), true_of(scene), captions, [h[m].astype(np.float16) for h, m in zip(hidden, mask)])


@torch.no_grad()
def shard(model: Autoencoder, films: Iterator[tuple[np.ndarray, Film]], count: int, device: str) -> dict:
    latents, kept = [], []
    for _ in range(count):
        frames, said = next(films)
        with torch.autocast(device, torch.bfloat16):
            latent = model.encode(to_tensor(send(frames[None], device)))
        latents.append(latent[0].to("cpu", torch.float16).numpy())
        kept.append(said)
    words = [w for f in kept for w in f.words]
    return dict(latent=np.stack(latents), object=np.stack([f.cells for f in kept]), part=np.array([f.part for f in kept], np.int8),
                text=np.concatenate(words), length=np.array([len(w) for w in words]), caption=np.array([c for f in kept for c in f.captions]))


def films_of(places: list[tuple[int, int]], draw: Callable[[tuple[int, int]], tuple[np.ndarray, Film]], processes: int) -> Iterator[tuple[np.ndarray, Film]]:
    """In the order of the places; drawn in other processes beside this one if there are to be several."""
    if processes == 1:
        yield from map(draw, places)
        return
    with multiprocessing.get_context("spawn").Pool(processes - 1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.imap(draw, places)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--two", type=float, default=0.2, help="share of clips with two objects")
    parser.add_argument("--event", type=float, default=0.0, help="share of clips with an event")
    parser.add_argument("--motions", nargs="*", choices=MOTIONS, default=(), help="only clips in which one of them is to see")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text", type=Path, help="the text encoder's jar (default: the one in the local Maven repository)")
    parser.add_argument("--device", default="cpu", help="encodes the frames")
    parser.add_argument("--processes", type=int, default=1, help="one encodes, the others render")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model = load_autoencoder(args.decoder, args.device)
    size = max(1, int(SHARD_SECONDS / args.seconds))
    shards = {index: min(size, args.clips - index * size) for index in range(-(-args.clips // size))}
    path = {index: args.output / f"{args.seconds:g}s-{args.seed}-{index:04d}.npz" for index in shards}
    missing = {index: count for index, count in shards.items() if not path[index].exists()}
    places = [(index, i) for index, count in missing.items() for i in range(count)]
    films = films_of(places, partial(film, args=args, cell=model.config.compression), args.processes)
    for index, count in missing.items():
        content = shard(model, films, count, args.device)
        with open(path[index].with_suffix(".tmp"), "wb") as file:
            np.savez(file, **content)
        os.replace(path[index].with_suffix(".tmp"), path[index])
        print(json.dumps({"shard": path[index].name, "clips": count, "std": round(float(content["latent"].astype(np.float32).std()), 3)}), flush=True)


if __name__ == "__main__":
    main()
