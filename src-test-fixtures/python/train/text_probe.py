"""How much of held-out synonyms the text encoder lets a reader know: a small attention pooling over its tokens, trained on captions.

    python -m train.text_probe

The probe reads a caption as a block's cross-attention does, one query for each attribute, and names the color, shape, motion and
background. Trained on training captions alone; judged on other captions in trained and in held-out words. What it cannot tell in
held-out words a denoiser that is trained on the same words can hardly follow.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from train.shards import pad_texts
from world.captions import caption
from world.embed import WIDTH, TextEncoder
from world.render import BACKGROUNDS, COLOURS, MOTIONS, SHAPES, random_scene

ATTRIBUTES = {"colour": tuple(COLOURS), "shape": SHAPES, "motion": MOTIONS, "background": BACKGROUNDS}
INNER = 192


class Probe(nn.Module):
    """[B, L, 384] and the mask [B, L] -> for each attribute [B, values]"""

    def __init__(self):
        super().__init__()
        self.proj, self.norm = nn.Linear(WIDTH, INNER), nn.LayerNorm(INNER)
        self.queries = nn.Linear(INNER, len(ATTRIBUTES))
        self.heads = nn.ModuleList(nn.Linear(INNER, len(values)) for values in ATTRIBUTES.values())

    def forward(self, text, mask):
        tokens = self.norm(self.proj(text))
        weight = self.queries(tokens).masked_fill(mask[..., None] == 0, -torch.inf).softmax(1)
        pooled = torch.einsum("bla,bld->abd", weight, tokens)
        return [head(row) for head, row in zip(self.heads, pooled)]


def captions(encoder: TextEncoder, count: int, held: bool, seed: int):
    """Texts of films of one object that name everything, and the indices of what they name [N, attributes]."""
    rng, texts, names = np.random.default_rng(seed), [], []
    for _ in range(count):
        scene = random_scene(rng, 2.0, two=0)
        thing = scene.things[0]
        hidden, _ = encoder([caption(scene, rng, held=held, keep=1).text])
        texts.append(hidden[0])
        shown = thing.colour, thing.shape, thing.motion, scene.background
        names.append([values.index(value) for values, value in zip(ATTRIBUTES.values(), shown)])
    return texts, torch.tensor(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--noise", type=float, default=0.2, help="deviation of noise on the text in training")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    encoder = TextEncoder()
    texts, names = captions(encoder, args.captions, False, 1)
    probe = Probe()
    optimiser = torch.optim.AdamW(probe.parameters(), 2e-3, weight_decay=0.01)
    for _ in range(args.steps):
        drawn = torch.randint(len(texts), (128,))
        text, mask = pad_texts([texts[i] for i in drawn])
        guesses = probe(text + args.noise * torch.randn_like(text), mask)
        loss = sum(F.cross_entropy(guess, names[drawn, k]) for k, guess in enumerate(guesses))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for held in (False, True):
        texts, names = captions(encoder, 600, held, 2)
        with torch.no_grad():
            guesses = probe(*pad_texts(texts))
        right = {a: f"{(guess.argmax(1) == names[:, k]).float().mean().item():.1%}" for k, (a, guess) in enumerate(zip(ATTRIBUTES, guesses))}
        print("held-out words" if held else "trained words", right)
        colours = [(c, (guesses[0].argmax(1) == k)[names[:, 0] == k].float().mean().item()) for k, c in enumerate(COLOURS)]
        print("   ", {c: f"{share:.0%}" for c, share in colours})


if __name__ == "__main__":
    main()
