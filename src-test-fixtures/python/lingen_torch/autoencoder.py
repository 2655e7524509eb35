"""The temporal autoencoder (TAE): an image autoencoder inflated in time. Tensor names are those of the checkpoint.

Frames are [B, 3, F, H, W] in [-1, 1]; latents [B, C, T, H/8, W/8], normalized per channel. Inside, a clip is kept as
[B*T, C, H, W] in channels-last memory, so that the spatial and the temporal convolution both run on views.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from math import prod
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

ENCODER_OWN = {"widths", "layers_per_level", "mid_layers"}


@dataclass(frozen=True)
class AutoencoderConfig:
    """Fields of vae/config.json. `widths` run in the decoder's order: latent resolution first.

    `encoder` holds the encoder's own fields, those of `ENCODER_OWN`; None: it is the decoder's mirror image.
    """

    latent_channels: int
    out_channels: int
    widths: list[int]
    upsample: list[list[int]]
    patch_size: list[int]
    layers_per_level: int
    mid_layers: int
    attention: bool
    attention_heads: int
    norm_groups: int
    latent_mean: list[float]
    latent_std: list[float]
    tile: dict
    norm_eps: float = 1e-6
    encoder: dict | None = None

    def __post_init__(self):
        def need(ok, name, expected):
            if not ok:
                raise ValueError(f"vae config: {name}: found {getattr(self, name)}, expected {expected}")

        need(len(self.widths) >= 1, "widths", "at least one width")
        need(len(self.upsample) == len(self.widths) - 1, "upsample", f"{len(self.widths) - 1} factors (widths - 1)")
        need(all(len(u) == 3 and min(u) >= 1 for u in self.upsample), "upsample", "triples (t, h, w) of at least 1")
        need(len(self.patch_size) == 3 and min(self.patch_size) >= 1, "patch_size", "a triple (t, h, w) of at least 1")
        need(self.norm_groups >= 1 and all(w % self.norm_groups == 0 for w in self.widths), "norm_groups", f"a divisor of {self.widths}")
        need(self.attention_heads >= 1 and self.widths[0] % self.attention_heads == 0, "attention_heads", f"a divisor of {self.widths[0]}")
        need(self.layers_per_level >= 1, "layers_per_level", "at least 1")
        need(self.mid_layers >= 0, "mid_layers", "at least 0")
        need(len(self.latent_mean) == self.latent_channels, "latent_mean", f"{self.latent_channels} numbers")
        need(len(self.latent_std) == self.latent_channels and min(self.latent_std) > 0, "latent_std", f"{self.latent_channels} numbers above 0")
        need(set(self.tile) == {"latent_frames", "overlap", "margin"}, "tile", "latent_frames, overlap, margin")
        if self.encoder is not None:
            need(set(self.encoder) == ENCODER_OWN, "encoder", f"{sorted(ENCODER_OWN)}")
            self.of_encoder()

    @property
    def compression(self) -> tuple[int, int, int]:
        """Pixels per latent cell along t, h, w."""
        return tuple(prod(u[i] for u in self.upsample) * self.patch_size[i] for i in range(3))

    def of_encoder(self) -> "AutoencoderConfig":
        """What the encoder is made by."""
        return replace(self, encoder=None, **(self.encoder or {}))

    @staticmethod
    def from_json(path: str | Path) -> "AutoencoderConfig":
        found = json.loads(Path(path).read_text())
        known = {f.name for f in fields(AutoencoderConfig)}
        unknown, missing = set(found) - known, known - set(found) - {"norm_eps", "encoder"}
        if unknown or missing:
            raise ValueError(f"{path}: unknown fields {sorted(unknown)}, missing fields {sorted(missing)}")
        return AutoencoderConfig(**found)

    def to_json(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None}, indent=1)


class InflatedConv(nn.Module):
    """3x3 convolution of each frame, then a temporal convolution of three frames; strides (t, h, w)."""

    def __init__(self, inputs: int, outputs: int, stride=(1, 1, 1)):
        super().__init__()
        self.spatial = nn.Conv2d(inputs, outputs, 3, padding=1, stride=tuple(stride[1:]))
        self.temporal = nn.Conv1d(outputs, outputs, 3, padding=1, stride=stride[0])
        self.stride = stride[0]
        nn.init.zeros_(self.temporal.weight)
        nn.init.zeros_(self.temporal.bias)
        with torch.no_grad():
            self.temporal.weight[:, :, 1] = torch.eye(outputs)

    def forward(self, x, frames):
        """[B*T, I, H, W] -> [B*T', O, H', W']; `frames` is T."""
        x = self.spatial(x)
        n, c, h, w = x.shape
        x = x.permute(0, 2, 3, 1).reshape(n // frames, frames, h * w, c).permute(0, 3, 1, 2)        # [B, C, T, HW]
        x = F.conv2d(x, self.temporal.weight[..., None], self.temporal.bias, (self.stride, 1), (1, 0))
        out = x.shape[2]
        return x.permute(0, 2, 3, 1).reshape(n // frames * out, h, w, c).permute(0, 3, 1, 2)        # [B*T', C, H, W]


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, groups: int, eps: float):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, eps)
        self.conv1 = InflatedConv(inputs, outputs)
        self.norm2 = nn.GroupNorm(groups, outputs, eps)
        self.conv2 = InflatedConv(outputs, outputs)
        self.shortcut = nn.Linear(inputs, outputs) if inputs != outputs else None

    def forward(self, x, frames):
        h = self.conv1(F.silu(self.norm1(x)), frames)
        h = self.conv2(F.silu(self.norm2(h)), frames)
        if self.shortcut is not None:
            x = F.conv2d(x, self.shortcut.weight[..., None, None], self.shortcut.bias)
        return x + h


class AxisAttention(nn.Module):
    """Attention over the cells of each frame, or over the frames of each cell."""

    def __init__(self, width: int, heads: int, groups: int, eps: float):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.heads = heads

    def forward(self, x, frames, over_time: bool):
        n, c, h, w = x.shape
        tokens = self.norm(x).permute(0, 2, 3, 1).reshape(n // frames, frames, h * w, c)
        if over_time:
            tokens = tokens.transpose(1, 2)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, c // self.heads)).permute(3, 0, 1, 4, 2, 5)
        y = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(2, 3).flatten(3))
        if over_time:
            y = y.transpose(1, 2)
        return x + y.reshape(n, h, w, c).permute(0, 3, 1, 2)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, groups: int, eps: float):
        super().__init__()
        self.spatial = AxisAttention(width, heads, groups, eps)
        self.temporal = AxisAttention(width, heads, groups, eps)

    def forward(self, x, frames):
        return self.temporal(self.spatial(x, frames, False), frames, True)


class Middle(nn.Module):
    def __init__(self, c: AutoencoderConfig):
        super().__init__()
        width = c.widths[0]
        self.res = nn.ModuleList(ResidualBlock(width, width, c.norm_groups, c.norm_eps) for _ in range(c.mid_layers))
        has = c.attention and c.mid_layers > 0
        self.attn = Attention(width, c.attention_heads, c.norm_groups, c.norm_eps) if has else None

    def forward(self, x, frames):
        for j, block in enumerate(self.res):
            x = block(x, frames)
            if j == 0 and self.attn is not None:
                x = self.attn(x, frames)
        return x


class Level(nn.Module):
    """Residual blocks, then an optional change of resolution."""

    def __init__(self, c: AutoencoderConfig, inputs: int, width: int):
        super().__init__()
        self.res = nn.ModuleList(
            ResidualBlock(inputs if j == 0 else width, width, c.norm_groups, c.norm_eps) for j in range(c.layers_per_level))

    def forward(self, x, frames):
        for block in self.res:
            x = block(x, frames)
        return x


class Decoder(nn.Module):
    def __init__(self, c: AutoencoderConfig):
        super().__init__()
        self.config = c
        self.conv_in = InflatedConv(c.latent_channels, c.widths[0])
        self.mid = Middle(c)
        self.up = nn.ModuleList(Level(c, c.widths[max(k - 1, 0)], w) for k, w in enumerate(c.widths))
        for k in range(len(c.upsample)):
            self.up[k].upsample = InflatedConv(c.widths[k], c.widths[k])
        self.norm_out = nn.GroupNorm(c.norm_groups, c.widths[-1], c.norm_eps)
        self.conv_out = InflatedConv(c.widths[-1], c.out_channels * prod(c.patch_size))

    def forward(self, z):
        """[B, C, T, h, w], not normalized -> [B, 3, F, H, W]."""
        b, _, frames = z.shape[:3]
        x = z.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)           # [B*T, C, h, w]
        x = self.mid(self.conv_in(x, frames), frames)
        for k, level in enumerate(self.up):
            x = level(x, frames)
            if k < len(self.config.upsample):
                t, h, w = self.config.upsample[k]
                x = x.permute(0, 2, 3, 1)
                n, height, width, c = x.shape
                x = x[:, None, :, None, :, None].expand(n, t, height, h, width, w, c)
                x = x.reshape(n * t, height * h, width * w, c).permute(0, 3, 1, 2)
                frames *= t
                x = level.upsample(x, frames)
        x = self.conv_out(F.silu(self.norm_out(x)), frames)
        pt, ph, pw = self.config.patch_size
        _, _, h, w = x.shape
        x = x.reshape(b, frames, self.config.out_channels, pt, ph, pw, h, w).permute(0, 2, 1, 3, 6, 4, 7, 5)
        return x.reshape(b, self.config.out_channels, frames * pt, h * ph, w * pw)


class Encoder(nn.Module):
    def __init__(self, c: AutoencoderConfig):
        super().__init__()
        self.config = c
        widths = c.widths[::-1]
        self.conv_in = InflatedConv(c.out_channels * prod(c.patch_size), widths[0])
        self.down = nn.ModuleList(Level(c, widths[max(i - 1, 0)], w) for i, w in enumerate(widths))
        for i, factor in enumerate(c.upsample[::-1]):
            self.down[i].downsample = InflatedConv(widths[i], widths[i], factor)
        self.mid = Middle(c)
        self.norm_out = nn.GroupNorm(c.norm_groups, widths[-1], c.norm_eps)
        self.conv_out = InflatedConv(widths[-1], c.latent_channels)

    def forward(self, frames):
        """[B, 3, F, H, W] -> [B, C, T, h, w], not normalized."""
        b, c, f, h, w = frames.shape
        pt, ph, pw = self.config.patch_size
        x = frames.reshape(b, c, f // pt, pt, h // ph, ph, w // pw, pw).permute(0, 2, 1, 3, 5, 7, 4, 6)
        x = x.reshape(b * (f // pt), c * pt * ph * pw, h // ph, w // pw).contiguous(memory_format=torch.channels_last)
        t = f // pt
        x = self.conv_in(x, t)
        for i, level in enumerate(self.down):
            x = level(x, t)
            if i < len(self.config.upsample):
                x = level.downsample(x, t)
                t = x.shape[0] // b
        x = self.conv_out(F.silu(self.norm_out(self.mid(x, t))), t)
        return x.reshape(b, t, *x.shape[1:]).transpose(1, 2)


class Autoencoder(nn.Module):
    """Encoder and decoder; `encode` gives and `decode` takes latents normalized by the config's mean and std."""

    def __init__(self, config: AutoencoderConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.of_encoder())
        self.decoder = Decoder(config)
        shape = (1, config.latent_channels, 1, 1, 1)
        self.register_buffer("mean", torch.tensor(config.latent_mean).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(config.latent_std).view(shape), persistent=False)

    def encode(self, frames):
        return (self.encoder(frames) - self.mean) / self.std

    def decode(self, z):
        return self.decoder(z * self.std + self.mean)
