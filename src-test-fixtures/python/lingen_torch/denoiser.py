"""The denoiser: LinGen's transformer of MATE blocks, and the DiT baseline that has full self-attention instead."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn

from . import scan
from .config import DenoiserConfig
from .layers import (CrossAttention, FeedForward, FullAttention, PositionEmbedding, TimeEmbedding, compute_dtype,
                     f32_region, gated_sum, modulated_norm)
from .mamba import mamba
from .tesa import TemporalSwinAttention


def no_taps(name, value):
    """Watches nothing."""


@dataclass(frozen=True)
class Conditioning:
    """The text as the blocks use it: keys and values of every block, constant over all steps of a video."""

    keys_values: list
    mask: torch.Tensor | None


def patchify(latent, patch):
    """[b, C, T, H, W] -> [b, n, C*pt*ph*pw], tokens in (t, h, w) order."""
    pt, ph, pw = patch
    b, c, t, h, w = latent.shape
    if t % pt or h % ph or w % pw:
        raise ValueError(f"latent: found {t}x{h}x{w}, expected multiples of patch_size {tuple(patch)}")
    cut = latent.reshape(b, c, t // pt, pt, h // ph, ph, w // pw, pw)
    return cut.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(b, -1, c * pt * ph * pw)


def unpatchify(tokens, grid, patch):
    """The inverse of `patchify`; grid is the token grid (T, H, W)."""
    (T, H, W), (pt, ph, pw) = grid, patch
    cut = tokens.reshape(tokens.shape[0], T, H, W, -1, pt, ph, pw)
    return cut.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(tokens.shape[0], -1, T * pt, H * ph, W * pw)


class Block(nn.Module):
    """One transformer block; `layer` decides scan order and window shift."""

    def __init__(self, config, layer):
        super().__init__()
        d, heads = config.hidden_size, config.num_heads
        self.config, self.layer = config, layer
        self.scale_shift_table = nn.Parameter(torch.randn(6, d) / d ** 0.5)
        if config.architecture == "dit":
            self.attn = FullAttention(d, heads)
        if config.mamba is not None:
            self.ma = mamba(config.mamba, d)
        if config.tesa is not None:
            self.te = TemporalSwinAttention(config.tesa, d, heads, shifted=layer % 2 == 1)
        self.cross = CrossAttention(d, heads)
        self.ffn = FeedForward(d, config.ffn_dim)

    def forward(self, x, grid, position, t0, keys_values, mask, taps=no_taps):
        """x [b, n, d]; position [n, d]; t0 [b, 6, d] -> [b, n, d]"""
        tap = lambda name, value: taps(f"blocks.{self.layer}{name}", value)
        b1, s1, g1, b2, s2, g2 = (self.scale_shift_table + t0).unbind(1)              # [b, d] each
        positioned = x + position
        u = modulated_norm(positioned, b1, s1)
        tap(".norm1", u)
        if self.config.position == "residual":
            x = positioned
        x = gated_sum(x, g1, self._mix(u, grid, tap))
        tap(".mate_out", x)
        cross = self.cross(x, keys_values, mask)
        tap(".cross", cross)
        x = x + cross.to(x.dtype)
        tap(".cross_out", x)
        ffn = self.ffn(modulated_norm(x, b2, s2))
        tap(".ffn", ffn)
        x = gated_sum(x, g2, ffn)
        tap("", x)
        return x

    def _mix(self, u, grid, tap):
        """MATE, the sum of the MA- and the TE-branch; or full attention in a DiT."""
        branches = []
        if hasattr(self, "attn"):
            branches.append(self.attn(u))
            tap(".attn", branches[-1])
        if hasattr(self, "ma"):
            branches.append(self._memory(u.unflatten(1, grid)))
            tap(".ma", branches[-1])
        if hasattr(self, "te"):
            branches.append(self.te(u, grid))
            tap(".te", branches[-1])
        return sum(branches[1:], branches[0])

    def _memory(self, u):
        """The MA-branch: review tokens, scan, state space model, and back.  u [b, T, H, W, d] -> [b, n, d]"""
        grid = tuple(u.shape[1:4])
        order, zigzag = scan.layer_order(self.config, self.layer), self.config.scan == "zigzag"
        review = None
        if self.config.review_pool is not None:
            review = scan.flatten(scan.review_tokens(u, self.config.review_pool), order, zigzag)
        return scan.unflatten(self.ma(scan.flatten(u, order, zigzag), review), grid, order, zigzag)


class FinalLayer(nn.Module):
    """Modulated norm and the projection to patches.  [b, n, d] -> [b, n, p]"""

    def __init__(self, d, patch_dim):
        super().__init__()
        self.scale_shift_table = nn.Parameter(torch.randn(2, d) / d ** 0.5)
        self.linear = nn.Linear(d, patch_dim)

    def forward(self, x, time):
        shift, scale = (self.scale_shift_table + time[:, None]).unbind(1)
        return self.linear(modulated_norm(x, shift, scale))


class Denoiser(nn.Module):
    """Velocity of a noisy latent. Parameters are named as the checkpoint's tensors.

    `checkpoint_blocks`: recompute each block in the backward pass, trading time for memory in training.
    """

    def __init__(self, config: DenoiserConfig):
        super().__init__()
        d = config.hidden_size
        self.config = config
        self.checkpoint_blocks = False
        self.patch_embed = nn.Linear(config.patch_dim, d)
        self.pos_embed = PositionEmbedding(config.max_grid, d)
        self.time_embed = TimeEmbedding(d)
        self.adaln = nn.Linear(d, 6 * d)
        self.text_proj = nn.ModuleList(nn.Linear(width, d) for width in config.text_dims)
        self.text_norm = nn.ModuleList(nn.LayerNorm(d, eps=1e-6) for _ in config.text_dims)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.depth))
        self.final = FinalLayer(d, config.patch_dim)
        self._initialise()

    def _initialise(self):
        """Starting point of training: Xavier matrices; cross-attention's and the model's outputs zero."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear) and not name.endswith("dt_proj"):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for linear in (self.time_embed.fc1, self.time_embed.fc2, self.adaln):
            nn.init.normal_(linear.weight, std=0.02)
        for linear in (*(block.cross.proj for block in self.blocks), self.final.linear):
            nn.init.zeros_(linear.weight)

    def condition(self, texts, masks=None, taps=no_taps):
        """Projects the text once per video.

        texts: per encoder [b, Lt, dim]; masks: per encoder [b, Lt], nonzero = keep, or None = keep all.
        Each batch element needs at least one kept token.
        """
        if len(texts) != len(self.text_proj):
            raise ValueError(f"texts: found {len(texts)}, expected {len(self.text_proj)}, one for each encoder")
        masks = [None] * len(texts) if masks is None else masks
        parts = []
        for i, text in enumerate(texts):
            projected = self.text_proj[i](text.to(compute_dtype(self.text_proj[i].weight)))
            parts.append(self.text_norm[i](projected).to(projected.dtype))
            taps(f"text.{i}", parts[-1])
        text = torch.cat(parts, 1)                                                    # [b, sum of Lt, d]
        taps("text", text)
        mask = None
        if any(m is not None for m in masks):
            kept = [torch.ones(part.shape[:2], dtype=torch.bool, device=text.device) if m is None else m != 0
                    for m, part in zip(masks, parts)]
            mask = torch.cat(kept, 1)[:, None, None]                                  # [b, 1, 1, sum of Lt]
        return Conditioning([block.cross.keys_values(text) for block in self.blocks], mask)

    def velocity(self, latent, t, conditioning, taps=no_taps):
        """latent [b, C, T, H, W]; t [b], 0 = noise, 1 = data -> [b, C, T, H, W]"""
        patch = self.config.patch_size
        tokens = patchify(latent, patch)
        grid = tuple(n // p for n, p in zip(latent.shape[2:], patch))
        x = self.patch_embed(tokens.to(self.patch_embed.weight.dtype))                # [b, n, d]
        taps("patch_embed", x)
        with f32_region(x):
            time = self.time_embed(t)                                                 # [b, d]
            t0 = self.adaln(F.silu(time)).unflatten(1, (6, -1))                       # [b, 6, d]
            position = self.pos_embed(grid)                                           # [n, d]
        taps("time_embed", time)
        taps("adaln", t0)
        for block, keys_values in zip(self.blocks, conditioning.keys_values):
            arguments = (x, grid, position, t0, keys_values, conditioning.mask, taps)
            if self.checkpoint_blocks and torch.is_grad_enabled():
                x = torch.utils.checkpoint.checkpoint(block, *arguments, use_reentrant=False)
            else:
                x = block(*arguments)
        out = self.final(x, time)
        taps("final", out)
        return unpatchify(out, grid, patch)

    def forward(self, latent, t, texts, masks=None, taps=no_taps):
        return self.velocity(latent, t, self.condition(texts, masks, taps), taps)

    def half_precision(self):
        """Weights to BF16 for inference, in place; what enters dt, decay, modulation and norms stays float32."""
        wide = ("dt_bias", "A_log", "D")
        for name, parameter in self.named_parameters():
            keep = (name.split(".")[-1] in wide or name.startswith(("time_embed", "adaln")) or ".dt_proj" in name
                    or name.endswith(("scale_shift_table", "norm.weight")))
            if not keep:
                parameter.data = parameter.data.bfloat16()
        return self
