"""Makes the decoder of an autoencoder larger without changing what it computes, so that a training goes on from there.

    python -m train.grow --start DIR/decoder-final.pt --widths 128 64 96 --mid-layers 4 --output FILE

A channel is copied, and what reads it takes a share of each copy; the shares differ, so the copies part as soon as they are trained
(Net2Net: Chen, Goodfellow and Shlens, 2016). A new residual block adds nothing at first. The encoder stays as it is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from lingen_torch.autoencoder import ENCODER_OWN, Decoder, InflatedConv, ResidualBlock
from train.make_latents import load_autoencoder
from train.parallel import save

# Deviation of the shares around an even division, in parts of it.
UNEVEN = 0.5


def shares(channels: int, copies: int) -> torch.Tensor:
    """[channels * copies]: what is read of each copy; those of one channel have the sum 1."""
    noise = UNEVEN * torch.randn(channels, copies, dtype=torch.float64)
    return ((1 + noise - noise.mean(1, keepdim=True)) / copies).flatten()


def widen(new: nn.Parameter, old: torch.Tensor, inputs: int, outputs: int) -> None:
    """A kernel [O, I, ...] whose inputs and outputs there are so many times."""
    read = shares(old.shape[1], inputs).to(old.dtype).view(1, -1, *[1] * (old.ndim - 2))
    new.copy_((old.repeat_interleave(inputs, 1) * read).repeat_interleave(outputs, 0))


def widen_conv(new: InflatedConv, old: InflatedConv, inputs: int, outputs: int) -> None:
    widen(new.spatial.weight, old.spatial.weight, inputs, outputs)
    widen(new.temporal.weight, old.temporal.weight, outputs, outputs)
    repeat(new.spatial.bias, old.spatial.bias, outputs)
    repeat(new.temporal.bias, old.temporal.bias, outputs)


def repeat(new: nn.Parameter, old: torch.Tensor, copies: int) -> None:
    """Copies lie beside each other, so they are in one group of the normalization and its statistics are the same."""
    new.copy_(old.repeat_interleave(copies))


def widen_norm(new: nn.GroupNorm, old: nn.GroupNorm, copies: int) -> None:
    repeat(new.weight, old.weight, copies)
    repeat(new.bias, old.bias, copies)


def widen_block(new: ResidualBlock, old: ResidualBlock, inputs: int, outputs: int) -> None:
    widen_norm(new.norm1, old.norm1, inputs)
    widen_conv(new.conv1, old.conv1, inputs, outputs)
    widen_norm(new.norm2, old.norm2, outputs)
    widen_conv(new.conv2, old.conv2, outputs, outputs)
    if (new.shortcut is None) != (old.shortcut is None):
        raise ValueError("a block would gain or lose its shortcut: choose widths that differ where they differed")
    if new.shortcut is not None:
        widen(new.shortcut.weight, old.shortcut.weight, inputs, outputs)
        repeat(new.shortcut.bias, old.shortcut.bias, outputs)


def widen_blocks(new: nn.ModuleList, old: nn.ModuleList, inputs: int, outputs: int) -> None:
    """The blocks of a level, the first of which has its inputs; those that are new add nothing until they are trained."""
    for j, block in enumerate(new):
        if j < len(old):
            widen_block(block, old[j], inputs if j == 0 else outputs, outputs)
        else:
            nn.init.zeros_(block.conv2.spatial.weight)
            nn.init.zeros_(block.conv2.spatial.bias)


@torch.no_grad()
def grow(old: Decoder, widths: list[int], layers_per_level: int, mid_layers: int) -> Decoder:
    was = old.config
    new = Decoder(replace(was, widths=widths, layers_per_level=layers_per_level, mid_layers=mid_layers)).to(old.conv_in.spatial.weight.dtype)
    times = [wide // narrow for wide, narrow in zip(widths, was.widths)]
    if [t * narrow for t, narrow in zip(times, was.widths)] != widths or layers_per_level < was.layers_per_level or mid_layers < was.mid_layers:
        raise ValueError(f"found widths {widths}, layers {layers_per_level} and {mid_layers}; expected multiples of {was.widths}, "
                         f"at least {was.layers_per_level} and {was.mid_layers}")
    widen_conv(new.conv_in, old.conv_in, 1, times[0])
    widen_blocks(new.mid.res, old.mid.res, times[0], times[0])
    for k, (level, before) in enumerate(zip(new.up, old.up)):
        widen_blocks(level.res, before.res, times[max(k - 1, 0)], times[k])
        if k < len(was.upsample):
            widen_conv(level.upsample, before.upsample, times[k], times[k])
    widen_norm(new.norm_out, old.norm_out, times[-1])
    widen_conv(new.conv_out, old.conv_out, times[-1], 1)
    return new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--widths", type=int, nargs="+", required=True)
    parser.add_argument("--layers-per-level", type=int, help="as it is unless given")
    parser.add_argument("--mid-layers", type=int, help="as it is unless given")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    model = load_autoencoder(args.start)
    config = model.config
    own = {name: getattr(config.of_encoder(), name) for name in sorted(ENCODER_OWN)}
    torch.manual_seed(0)
    model.decoder = grow(model.decoder, args.widths, args.layers_per_level or config.layers_per_level, args.mid_layers or config.mid_layers)
    save(args.output, dict(model=model.state_dict(), config=json.loads(replace(model.decoder.config, encoder=own).to_json())))


if __name__ == "__main__":
    main()
