"""Latte: a video transformer with factorized attention, four variants and three kinds of condition, and its diffusion.

Weights are a dict of tensors under the published names. The functions follow the formulas of the model's description (Ma et
al., 2024; Peebles and Xie, 2023; Chen et al., 2023; Nichol and Dhariwal, 2021), in the type of the weights.
"""

import math

import torch
import torch.nn.functional as F

from .denoiser import no_taps, patchify


def blocks(config):
    """(name, attentions) of each block; an attention is a tuple of axes, "s" for space and "t" for time."""
    depth, variant = config["depth"], config.get("variant", 1)
    kinds = {1: lambda l: [("s",)] if l % 2 == 0 else [("t",)],
             2: lambda l: [("s",)] if l < depth // 2 else [("t",)],
             3: lambda l: [("s",), ("t",)],
             4: lambda l: [("s", "t")]}[variant]
    result, counts = [], {"transformer_blocks": 0, "temporal_transformer_blocks": 0}
    for layer in range(depth):
        attentions = kinds(layer)
        if config["condition"] == "text":
            stack = "transformer_blocks" if "s" in attentions[0] else "temporal_transformer_blocks"
            result.append((f"{stack}.{counts[stack]}", attentions))
            counts[stack] += 1
        else:
            result.append((f"blocks.{layer}", attentions))
    return result


def shapes(config):
    """The shape of every tensor by its published name."""
    d, p, c = config["hidden_size"], config["patch_size"][1], config["in_channels"]
    f, rows, columns = config["frames"], *(n // p for n in config["latent_size"])
    ffn, out = int(config["ffn_ratio"] * d), (2 if config["learn_sigma"] else 1) * c * p * p
    text = config["condition"] == "text"
    result = {}

    def linear(name, n, m):
        result.update({f"{name}.weight": (n, m), f"{name}.bias": (n,)})

    embed = "pos_embed" if text else "x_embedder"
    result.update({f"{embed}.proj.weight": (d, c, p, p), f"{embed}.proj.bias": (d,)})
    if text:
        linear("adaln_single.emb.timestep_embedder.linear_1", d, 256)
        linear("adaln_single.emb.timestep_embedder.linear_2", d, d)
        linear("adaln_single.linear", 6 * d, d)
        linear("caption_projection.linear_1", d, config["text_dims"][0])
        linear("caption_projection.linear_2", d, d)
        result["scale_shift_table"] = (2, d)
        linear("proj_out", out, d)
    else:
        result.update({"pos_embed": (1, rows * columns, d), "temp_embed": (1, f, d)})
        linear("t_embedder.mlp.0", d, 256)
        linear("t_embedder.mlp.2", d, d)
        if config["condition"] == "class":
            result["y_embedder.embedding_table.weight"] = (config["num_classes"] + 1, d)
        linear("final_layer.adaLN_modulation.1", 2 * d, d)
        linear("final_layer.linear", out, d)
    for name, attentions in blocks(config):
        for index in range(len(attentions)):
            attention = f"{name}.{_attention(text, index)}"
            if text:
                for layer in ("to_q", "to_k", "to_v", "to_out.0"):
                    linear(f"{attention}.{layer}", d, d)
            else:
                linear(f"{attention}.qkv", 3 * d, d)
                linear(f"{attention}.proj", d, d)
        if text:
            result[f"{name}.scale_shift_table"] = (6, d)
            if "s" in attentions[0]:
                for layer in ("to_q", "to_k", "to_v", "to_out.0"):
                    linear(f"{name}.attn2.{layer}", d, d)
            linear(f"{name}.ff.net.0.proj", ffn, d)
            linear(f"{name}.ff.net.2", d, ffn)
        else:
            linear(f"{name}.adaLN_modulation.1", 6 * d, d)
            linear(f"{name}.mlp.fc1", ffn, d)
            linear(f"{name}.mlp.fc2", d, ffn)
    return result


def _attention(text, index):
    return "attn_temporal" if index else "attn1" if text else "attn"


def sincos(positions, n):
    """Sines, then cosines. [m] -> [m, n], in double precision, rounded to float32."""
    frequency = 10000.0 ** (-torch.arange(n // 2, dtype=torch.float64) / (n // 2))
    angle = positions.double()[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], 1).float()


def space_positions(rows, columns, d, base=None):
    """[rows * columns, d]: columns in the first half. With a base, every axis spans 0 to base."""
    r, c = torch.arange(rows).double(), torch.arange(columns).double()
    if base is not None:
        r, c = r * base / rows, c * base / columns
    by_column, by_row = sincos(c, d // 2), sincos(r, d // 2)
    return torch.cat([by_column.repeat(rows, 1), by_row.repeat_interleave(columns, 0)], 1)


def timestep_wave(timestep):
    """[256], angles in float32, as in training."""
    frequency = torch.exp(-math.log(10000) * torch.arange(128, dtype=torch.float32) / 128)
    angle = torch.tensor(float(timestep)) * frequency
    return torch.cat([angle.cos(), angle.sin()])


class Latte:
    """config: transformer/config.json; weights: tensors by name."""

    def __init__(self, config, weights):
        self.config, self.weights = config, weights
        self.dtype = next(iter(weights.values())).dtype
        self.text = config["condition"] == "text"

    def _linear(self, name, x):
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _time(self, timestep, label, taps):
        """(vectors that blocks read, vectors of the last layer): SiLU(c), or the shared 6 and the repeated 2 vectors."""
        wave = timestep_wave(timestep).to(self.dtype)[None]
        if self.text:
            names = [f"adaln_single.emb.timestep_embedder.linear_{i}" for i in (1, 2)]
        else:
            names = ["t_embedder.mlp.0", "t_embedder.mlp.2"]
        embedding = self._linear(names[1], F.silu(self._linear(names[0], wave)))
        if self.text:
            taps("adaln_single.emb", embedding)
            shared = self._linear("adaln_single.linear", F.silu(embedding)).view(6, -1)
            taps("adaln_single.linear", shared)
            return shared, embedding.repeat(2, 1)
        taps("t_embedder", embedding)
        if self.config["condition"] == "class":
            row = self.config["num_classes"] if label is None else label
            embedding = embedding + self.weights["y_embedder.embedding_table.weight"][row]
        return F.silu(embedding), F.silu(embedding)

    def _attend(self, name, u, grid, axes):
        """u [n, d] -> [n, d], the heads divided between the axes."""
        d, heads = u.shape[-1], self.config["num_heads"]
        if self.text:
            q, k, v = (self._linear(f"{name}.{layer}", u) for layer in ("to_q", "to_k", "to_v"))
        else:
            q, k, v = self._linear(f"{name}.qkv", u).chunk(3, -1)
        q, k, v = (x.view(grid[0], grid[1] * grid[2], heads, d // heads) for x in (q, k, v))
        mixed = []
        for axis, part in zip(axes, zip(*(x.chunk(len(axes), 2) for x in (q, k, v)))):
            order = (0, 2, 1, 3) if axis == "s" else (1, 2, 0, 3)                     # [frame or place, head, tokens, dim]
            a, b, c = (x.permute(order) for x in part)
            y = torch.softmax(a @ b.transpose(-1, -2) / math.sqrt(d // heads), -1) @ c
            mixed.append(y.permute((0, 2, 1, 3) if axis == "s" else (2, 0, 1, 3)))
        return self._linear(f"{name}.to_out.0" if self.text else f"{name}.proj", torch.cat(mixed, 2).reshape(-1, d))

    def _cross(self, name, x, text, mask):
        d, heads = x.shape[-1], self.config["num_heads"]
        q, k, v = (self._linear(f"{name}.{layer}", y).view(-1, heads, d // heads).transpose(0, 1)
                   for layer, y in (("to_q", x), ("to_k", text), ("to_v", text)))
        scores = q @ k.transpose(-1, -2) / math.sqrt(d // heads)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -math.inf)
        return self._linear(f"{name}.to_out.0", (torch.softmax(scores, -1) @ v).transpose(0, 1).reshape(-1, d))

    def _feed_forward(self, name, u):
        names = ("ff.net.0.proj", "ff.net.2") if self.text else ("mlp.fc1", "mlp.fc2")
        return self._linear(f"{name}.{names[1]}", F.gelu(self._linear(f"{name}.{names[0]}", u), approximate="tanh"))

    def _modulation(self, name, time, count):
        if self.text:
            return self.weights[f"{name}scale_shift_table"] + time
        return self._linear(f"{name}adaLN_modulation.1", time).view(count, -1)

    def __call__(self, latent, timestep, label=None, text=None, mask=None, taps=no_taps):
        """latent [c, f, h, w] -> [c or 2c, f, h, w]: the noise and, if it is learned, the variance."""
        config = self.config
        d, p = config["hidden_size"], config["patch_size"][1]
        grid = (latent.shape[1], latent.shape[2] // p, latent.shape[3] // p)
        embed = "pos_embed.proj" if self.text else "x_embedder.proj"
        x = F.linear(patchify(latent[None], (1, p, p))[0], self.weights[f"{embed}.weight"].flatten(1),
                     self.weights[f"{embed}.bias"])
        taps("x_embedder", x)
        if self.text:
            side = config["latent_size"][0]
            space = space_positions(grid[1], grid[2], d, side / p / max(side // 64, 1))
            frames = sincos(torch.arange(grid[0]), d) if grid[0] > 1 else torch.zeros(1, d)
            text = self._linear("caption_projection.linear_2",
                                F.gelu(self._linear("caption_projection.linear_1", text), approximate="tanh"))
            taps("caption_projection", text)
        else:
            space, frames = self.weights["pos_embed"][0], self.weights["temp_embed"][0]
        x = x + space.to(self.dtype).repeat(grid[0], 1)
        taps("pos_embed", x)
        frames = frames.to(self.dtype).repeat_interleave(grid[1] * grid[2], 0)
        waits = config.get("variant", 1) != 4
        if not waits:
            x = x + frames
        of_blocks, of_last = self._time(timestep, label, taps)
        for name, attentions in blocks(config):
            b1, s1, g1, b2, s2, g2 = self._modulation(f"{name}.", of_blocks, 6)
            for index, axes in enumerate(attentions):
                if waits and axes == ("t",):
                    x, waits = x + frames, False
                attention = f"{name}.{_attention(self.text, index)}"
                mixed = self._attend(attention, _norm(x, b1, s1), grid, axes)
                if len(axes) == 1:
                    taps(attention, mixed)
                x = x + g1 * mixed
            if self.text and "s" in attentions[0]:
                crossed = self._cross(f"{name}.attn2", x, text, mask)
                taps(f"{name}.attn2", crossed)
                x = x + crossed
            ffn = self._feed_forward(name, _norm(x, b2, s2))
            taps(f"{name}.ff" if self.text else f"{name}.mlp", ffn)
            x = x + g2 * ffn
            taps(name, x)
        shift, scale = self._modulation("" if self.text else "final_layer.", of_last, 2)
        last = "proj_out" if self.text else "final_layer.linear"
        x = self._linear(last, _norm(x, shift, scale))
        taps("proj_out" if self.text else "final_layer", x)
        cells = x.view(*grid, p, p, -1)                                               # channels last, as published
        return cells.permute(5, 0, 1, 3, 2, 4).reshape(-1, *latent.shape[1:])


def _norm(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


def alpha_bars(steps=1000, first=1e-4, last=2e-2):
    """The cumulative products of 1 - beta, in double precision."""
    return torch.cumprod(1 - torch.linspace(first, last, steps, dtype=torch.float64), 0)


def even_timesteps(n, steps=1000):
    """The timesteps of the authors' scripts, descending: rounded running sums."""
    stride = (steps - 1) / (n - 1) if n > 1 else 1.0
    result, position = [], 0.0
    for _ in range(n):
        result.append(round(position))
        position += stride
    return result[::-1]


def leading_timesteps(n, steps=1000):
    """The timesteps of diffusers' DDIM scheduler with leading spacing, descending."""
    return [i * (steps // n) for i in range(n)][::-1]


def guided(passes, scale, channels):
    """The output of a conditional pass, its noise guided by an unconditional pass."""
    def function(x, i):
        conditional, unconditional = passes[0](x, i), passes[1](x, i)
        noise = unconditional[:channels] + scale * (conditional[:channels] - unconditional[:channels])
        return torch.cat([noise, conditional[channels:]])
    return function


def ddim(function, x, timesteps, eta=0.0, noises=None):
    """The latents after each step (Song et al., 2021)."""
    bars, channels = alpha_bars(), x.shape[0]
    for step, i in enumerate(timesteps):
        a = bars[i]
        b = bars[timesteps[step + 1]] if step + 1 < len(timesteps) else torch.tensor(1.0, dtype=torch.float64)
        epsilon = function(x, i)[:channels]
        clean = x / a.sqrt() - (1 / a - 1).sqrt() * epsilon
        sigma = eta * ((1 - b) / (1 - a)).sqrt() * (1 - a / b).sqrt()
        x = b.sqrt() * clean + (1 - b - sigma ** 2).sqrt() * epsilon
        if noises is not None:
            x = x + sigma * noises[step]
        yield x


def ddpm(function, x, timesteps, noises):
    """The latents after each step, with a learned variance (Nichol and Dhariwal, 2021)."""
    bars, channels = alpha_bars(), x.shape[0]
    for step, i in enumerate(timesteps):
        last = step + 1 == len(timesteps)
        a = bars[i]
        b = torch.tensor(1.0, dtype=torch.float64) if last else bars[timesteps[step + 1]]
        beta = 1 - a / b
        output = function(x, i)
        epsilon, v = output[:channels], output[channels:]
        clean = x / a.sqrt() - (1 / a - 1).sqrt() * epsilon
        mean = beta * b.sqrt() / (1 - a) * clean + (1 - b) * (1 - beta).sqrt() / (1 - a) * x
        if last:
            x = mean
        else:
            fraction = (v + 1) / 2
            logarithm = fraction * beta.log() + (1 - fraction) * (beta * (1 - b) / (1 - a)).log()
            x = mean + (0.5 * logarithm).exp() * noises[step]
        yield x
