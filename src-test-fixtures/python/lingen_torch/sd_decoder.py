"""The decoders of Stable Diffusion's latents: the image decoder, and the temporal one of Stable Video Diffusion.

Weights are a dict of tensors under the published names. Frames are the batch of the image layers.
"""

import math

import torch
import torch.nn.functional as F

from .denoiser import no_taps


def shapes(config):
    """The shape of every tensor by its published name."""
    temporal = config["decoder"] == "sd_temporal"
    widths, layers, channels = config["block_out_channels"][::-1], config["layers_per_block"], config["latent_channels"]
    result = {}

    def layer(name, *shape):
        result.update({f"{name}.weight": shape, f"{name}.bias": shape[:1]})

    def block(name, n, m):
        spatial = f"{name}.spatial_res_block" if temporal else name
        layer(f"{spatial}.norm1", n)
        layer(f"{spatial}.conv1", m, n, 3, 3)
        layer(f"{spatial}.norm2", m)
        layer(f"{spatial}.conv2", m, m, 3, 3)
        if n != m:
            layer(f"{spatial}.conv_shortcut", m, n, 1, 1)
        if temporal:
            for i in (1, 2):
                layer(f"{name}.temporal_res_block.norm{i}", m)
                layer(f"{name}.temporal_res_block.conv{i}", m, m, 3, 1, 1)
            result[f"{name}.time_mixer.mix_factor"] = (1,)

    if not temporal:
        layer("post_quant_conv", channels, channels, 1, 1)
    layer("decoder.conv_in", widths[0], channels, 3, 3)
    for j in range(layers if temporal else 2):
        block(f"decoder.mid_block.resnets.{j}", widths[0], widths[0])
    attention = "decoder.mid_block.attentions.0"
    layer(f"{attention}.group_norm", widths[0])
    for name in ("to_q", "to_k", "to_v", "to_out.0"):
        layer(f"{attention}.{name}", widths[0], widths[0])
    for k, width in enumerate(widths):
        for j in range(layers + 1):
            block(f"decoder.up_blocks.{k}.resnets.{j}", widths[max(k - 1, 0)] if j == 0 else width, width)
        if k + 1 < len(widths):
            layer(f"decoder.up_blocks.{k}.upsamplers.0.conv", width, width, 3, 3)
    layer("decoder.conv_norm_out", widths[-1])
    layer("decoder.conv_out", 3, widths[-1], 3, 3)
    if temporal:
        layer("decoder.time_conv_out", 3, 3, 3, 1, 1)
    return result


class SdDecoder:
    """config: vae/config.json; weights: tensors by name."""

    def __init__(self, config, weights):
        self.config, self.weights = config, weights
        self.temporal = config["decoder"] == "sd_temporal"

    def _parameters(self, name):
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def _convolve(self, name, x):
        weight, bias = self._parameters(name)
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    def _convolve_time(self, name, x):
        """x [f, c, h, w]"""
        return F.conv3d(x.transpose(0, 1)[None], *self._parameters(name), padding=(1, 0, 0))[0].transpose(0, 1)

    def _norm(self, name, x, eps=1e-6):
        return F.group_norm(x, self.config["norm_groups"], *self._parameters(name), eps)

    def _norm_clip(self, name, x):
        """Statistics over all frames."""
        return self._norm(name, x.transpose(0, 1)[None], 1e-5)[0].transpose(0, 1)

    def _block(self, name, x):
        spatial = f"{name}.spatial_res_block" if self.temporal else name
        h = self._convolve(f"{spatial}.conv1", F.silu(self._norm(f"{spatial}.norm1", x)))
        h = self._convolve(f"{spatial}.conv2", F.silu(self._norm(f"{spatial}.norm2", h)))
        x = h + (self._convolve(f"{spatial}.conv_shortcut", x) if f"{spatial}.conv_shortcut.weight" in self.weights else x)
        if not self.temporal:
            return x
        inner = f"{name}.temporal_res_block"
        h = self._convolve_time(f"{inner}.conv1", F.silu(self._norm_clip(f"{inner}.norm1", x)))
        h = self._convolve_time(f"{inner}.conv2", F.silu(self._norm_clip(f"{inner}.norm2", h)))
        return x + torch.sigmoid(self.weights[f"{name}.time_mixer.mix_factor"]) * h

    def _attend(self, name, x):
        f, c, h, w = x.shape
        cells = self._norm(f"{name}.group_norm", x).flatten(2).transpose(1, 2)
        q, k, v = (F.linear(cells, *self._parameters(f"{name}.{layer}")) for layer in ("to_q", "to_k", "to_v"))
        y = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(c), -1) @ v
        return x + F.linear(y, *self._parameters(f"{name}.to_out.0")).transpose(1, 2).view(f, c, h, w)

    def __call__(self, latent, taps=no_taps):
        """latent [c, f, h, w], as the denoiser gives it -> frames [3, f, H, W]; one chunk of the temporal decoder."""
        layers = self.config["layers_per_block"]
        x = latent.transpose(0, 1) / self.config["scaling_factor"]
        if not self.temporal:
            x = self._convolve("post_quant_conv", x)
        x = self._convolve("decoder.conv_in", x)
        middle = "decoder.mid_block"
        x = self._block(f"{middle}.resnets.0", x)
        if not self.temporal or layers > 1:
            x = self._block(f"{middle}.resnets.1", self._attend(f"{middle}.attentions.0", x))
        taps(middle, x)
        levels = len(self.config["block_out_channels"])
        for k in range(levels):
            for j in range(layers + 1):
                x = self._block(f"decoder.up_blocks.{k}.resnets.{j}", x)
            if k + 1 < levels:
                x = self._convolve(f"decoder.up_blocks.{k}.upsamplers.0.conv", F.interpolate(x, scale_factor=2.0))
            taps(f"decoder.up_blocks.{k}", x)
        x = self._convolve("decoder.conv_out", F.silu(self._norm("decoder.conv_norm_out", x)))
        if self.temporal:
            x = self._convolve_time("decoder.time_conv_out", x)
        return x.transpose(0, 1)

    def chunks(self, latent, frames):
        """Decodes chunks of frames apart."""
        return torch.cat([self(part) for part in latent.split(frames, 1)], 1)
