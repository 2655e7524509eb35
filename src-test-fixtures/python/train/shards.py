"""The clips that make_latents wrote, in memory on the device that trains, and the batches that are drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from train.device import send
from train.make_latents import ANY, WHOLE

OBJECT_WEIGHT = 3.0


@dataclass(frozen=True)
class Batch:
    """Latents [B, C, T, h, w]; weights alike without C; text [B, L, 384] and its mask [B, L]."""

    latents: torch.Tensor
    weights: torch.Tensor
    text: torch.Tensor
    mask: torch.Tensor


class _Clips:
    """All clips of one length: latent [N, T, C, h, w] and object [N, T, h, w], part [N], and where the captions of each begin and how long they are [N, captions]."""

    def __init__(self):
        self.latent = self.object = self.part = self.begin = self.length = None

    def extend(self, **more) -> None:
        for name, new in more.items():
            old = getattr(self, name)
            join = torch.cat if isinstance(new, torch.Tensor) else np.concatenate
            setattr(self, name, new if old is None else join([old, new]))


class Shards:
    """Draws batches of any length of which there are clips, texts padded to their longest or to `text_length`.

    `dropout` of the texts become `empty` [L, 384].
    """

    def __init__(self, folder: Path, seed: int, empty: np.ndarray | None = None, dropout: float = 0.0, device: str = "cpu",
                 text_length: int = 0):
        self.text_length = text_length
        self.folder, self.rng, self.device, self.dropout = folder, np.random.default_rng(seed), device, dropout
        self.known: set[Path] = set()
        self.clips: dict[int, _Clips] = {}
        self.words: torch.Tensor | None = None
        self.empty = 0
        if empty is not None:
            self.words, self.empty = self._on_device(empty.astype(np.float16)), len(empty)
        self.refresh()

    def _on_device(self, array: np.ndarray) -> torch.Tensor:
        return send(array, self.device)

    def refresh(self) -> None:
        """Takes in what has been written since."""
        texts = [] if self.words is None else [self.words]
        begin = sum(map(len, texts))
        for path in sorted(set(self.folder.glob("*.npz")) - self.known):
            with np.load(path) as file:
                latent, length = file["latent"], file["length"].reshape(len(file["part"]), -1)
                ends = begin + np.cumsum(length).reshape(length.shape)
                self.clips.setdefault(latent.shape[2], _Clips()).extend(
                    latent=self._on_device(latent).transpose(1, 2), object=self._on_device(file["object"]), part=file["part"],
                    begin=ends - length, length=length)
                texts.append(self._on_device(file["text"]))
                begin += len(texts[-1])
            self.known.add(path)
        if texts:
            self.words = torch.cat(texts)

    def batch(self, count: int, frames: int, all_named: bool = False) -> Batch | None:
        """None while no clip is that long. Parts of longer clips are taken where their captions are true of them."""
        fits = []
        for length, clips in self.clips.items():
            if length >= frames:
                whole = np.flatnonzero(clips.part != WHOLE) if length > frames else np.arange(len(clips.part))
                fits.append((clips, whole, length - frames, len(whole) * min(8, 1 + (length - frames) // frames)))
        sizes = np.array([size for *_, size in fits], float)
        if not sizes.sum():
            return None
        latents, weights, begins, lengths = [], [], [], []
        for (clips, usable, spare, _), share in zip(fits, self.rng.multinomial(count, sizes / sizes.sum())):
            chosen = usable[self.rng.integers(len(usable), size=share)] if share else usable[:0]
            start = np.where(clips.part[chosen] == ANY, self.rng.integers(spare + 1, size=share), 0)
            rows, times = self._on_device(chosen[:, None]), self._on_device(start[:, None] + np.arange(frames))
            latents.append(clips.latent[rows, times])
            weights.append(1 + OBJECT_WEIGHT * clips.object[rows, times])
            caption = 0 if all_named else self.rng.integers(clips.length.shape[1], size=share)
            begins.append(clips.begin[chosen, caption])
            lengths.append(clips.length[chosen, caption])
        text, mask = self._text(np.concatenate(begins), np.concatenate(lengths))
        return Batch(torch.cat(latents).transpose(1, 2).float(), torch.cat(weights), text, mask)

    def _text(self, begin: np.ndarray, length: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        silent = self.rng.random(len(begin)) < self.dropout
        begin, length = np.where(silent, 0, begin), np.where(silent, self.empty, length)
        places = np.arange(max(self.text_length, length.max()))
        mask = places < length[:, None]
        return self.words[self._on_device(np.where(mask, begin[:, None] + places, 0))].float(), self._on_device(mask)


def pad_texts(texts: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """[B, L, 384] and the mask [B, L]."""
    length = max(len(t) for t in texts)
    padded, mask = torch.zeros(len(texts), length, texts[0].shape[1]), torch.zeros(len(texts), length, dtype=torch.bool)
    for i, text in enumerate(texts):
        padded[i, :len(text)] = torch.from_numpy(text.astype(np.float32))
        mask[i, :len(text)] = True
    return padded, mask
