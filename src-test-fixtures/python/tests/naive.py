"""Definitions written down as plainly as possible, in double precision, token by token: what the checks compare with."""

import math

import torch


def softplus(x):
    return torch.log1p(torch.exp(-x.abs())) + x.clamp(min=0)


def silu(x):
    return x / (1 + torch.exp(-x))


def causal_conv(x, weight, bias):
    """x [L, C], weight [C, K], bias [C]: zero history, last tap = current token."""
    taps = weight.shape[1]
    rows = []
    for l in range(x.shape[0]):
        row = bias.clone()
        for k in range(taps):
            source = l - (taps - 1 - k)
            if source >= 0:
                row = row + weight[:, k] * x[source]
        rows.append(row)
    return torch.stack(rows)


def mamba2_direction(x, B, C, dt, p):
    """One direction over a whole sequence as the recurrence. x [L, di]; B, C [L, G*n]; dt [L, H] -> [L, di]"""
    length, inner = x.shape
    pair = B.shape[1]
    heads = p["A_log"].shape[0]
    groups = p["groups"]
    width, n = inner // heads, pair // groups
    mixed = silu(causal_conv(torch.cat([x, B, C], 1), p["conv.weight"], p["conv.bias"]))
    x, B, C = mixed.split([inner, pair, pair], 1)
    dt = softplus(dt + p["dt_bias"])
    A = -torch.exp(p["A_log"])
    state = torch.zeros(heads, width, n, dtype=torch.float64)
    y = torch.zeros(length, inner, dtype=torch.float64)
    for l in range(length):
        for h in range(heads):
            g = h // (heads // groups)
            b, c = B[l, g * n:(g + 1) * n], C[l, g * n:(g + 1) * n]
            xh = x[l, h * width:(h + 1) * width]
            state[h] = torch.exp(dt[l, h] * A[h]) * state[h] + dt[l, h] * torch.outer(xh, b)
            y[l, h * width:(h + 1) * width] = state[h] @ c + p["D"][h] * xh
    return y


def mamba1_direction(x, p, d_state):
    """One direction of a Mamba1 over a whole sequence. x [L, di] -> [L, di]"""
    x = silu(causal_conv(x, p["conv.weight"], p["conv.bias"]))
    rank = p["dt_proj.weight"].shape[1]
    A = -torch.exp(p["A_log"])
    state = torch.zeros_like(A)
    rows = []
    for row in x:
        low, B, C = (p["x_proj.weight"] @ row).split([rank, d_state, d_state])
        dt = softplus(p["dt_proj.weight"] @ low + p["dt_proj.bias"])
        state = torch.exp(dt[:, None] * A) * state + (dt * row)[:, None] * B
        rows.append(state @ C + p["D"] * row)
    return torch.stack(rows)


def gated_norm(y, z, weight):
    g = y * silu(z)
    return g / torch.sqrt((g * g).mean(-1, keepdim=True) + 1e-5) * weight


def _direction(parameters, prefix, groups):
    found = {k[len(prefix):]: v for k, v in parameters.items() if k.startswith(prefix)}
    return {**found, "groups": groups}


def bidirectional_mamba2(u, review, parameters, config, d):
    """The definition: both directions over review tokens and tokens; what is at the review positions is dropped."""
    inner, pair = config.expand * d, config.n_groups * config.d_state
    heads, groups = inner // config.head_dim, config.n_groups
    sequence = u if review is None else torch.cat([review, u])
    skip = 0 if review is None else review.shape[0]

    def both(x, f, b, forward, backward):
        y = mamba2_direction(x, *f, forward)
        return y + mamba2_direction(x.flip(0), *(part.flip(0) for part in b), backward).flip(0)

    if config.directions == "independent":
        out = 0
        for name in ("fwd.", "bwd."):
            p = _direction(parameters, name, groups)
            tokens = sequence if name == "fwd." else sequence.flip(0)
            z, x, B, C, dt = (tokens @ p["in_proj.weight"].T).split([inner, inner, pair, pair, heads], 1)
            y = gated_norm(mamba2_direction(x, B, C, dt, p), z, p["norm.weight"]) @ p["out_proj.weight"].T
            out = out + (y if name == "fwd." else y.flip(0))
        return out[skip:]
    rows = sequence @ parameters["in_proj.weight"].T
    forward = _direction(parameters, "fwd.", groups)
    if config.directions == "tied":
        z, x, B, C, dt = rows.split([inner, inner, pair, pair, heads], 1)
        y = both(x, (B, C, dt), (B, C, dt), forward, forward)
    else:
        z, x, Bf, Cf, Bb, Cb, dtf, dtb = rows.split([inner, inner, pair, pair, pair, pair, heads, heads], 1)
        y = both(x, (Bf, Cf, dtf), (Bb, Cb, dtb), forward, _direction(parameters, "bwd.", groups))
    return (gated_norm(y, z, parameters["norm.weight"]) @ parameters["out_proj.weight"].T)[skip:]


def bidirectional_mamba1(u, review, parameters, config, d):
    sequence = u if review is None else torch.cat([review, u])
    skip = 0 if review is None else review.shape[0]
    z, x = (sequence @ parameters["in_proj.weight"].T).chunk(2, 1)
    y = mamba1_direction(x, _direction(parameters, "fwd.", 1), config.d_state)
    y = y + mamba1_direction(x.flip(0), _direction(parameters, "bwd.", 1), config.d_state).flip(0)
    return (gated_norm(y, z, parameters["norm.weight"]) @ parameters["out_proj.weight"].T)[skip:]


def attention(q, k, v, allowed, bias=0.0):
    """q, k, v [heads, n, c]; allowed [n, m] -> [heads, n, c]"""
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) + bias
    scores = scores.masked_fill(~allowed, -math.inf)
    weight = torch.exp(scores - scores.max(-1, keepdim=True).values)
    return (weight / weight.sum(-1, keepdim=True)) @ v


def pooled(u, pool):
    """u [T, H, W, d]: mean over the cells that exist."""
    T, H, W, d = u.shape
    out = [[[u[t:t + pool[0], h:h + pool[1], w:w + pool[2]].reshape(-1, d).mean(0) for w in range(0, W, pool[2])]
            for h in range(0, H, pool[1])] for t in range(0, T, pool[0])]
    return torch.stack([torch.stack([torch.stack(row) for row in plane]) for plane in out])
