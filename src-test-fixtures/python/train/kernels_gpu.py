"""Triton kernels for the training of a denoiser on a GPU, and their autograd functions: the scan with its convolution, and the layers
between matrix products. Each is one pass over memory either way; the backward pass computes again what it needs.

Sequences have a logical order i; with `reverse` the row of i is L - 1 - i, so either direction runs the same code. Values come and go in
the type of the inputs; statistics, decays, states and sums are float32. Sums over rows are atomic: their order is left to the device.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable

CHUNK = 64


@triton.jit
def _row(i, length, REVERSE: tl.constexpr):
    return length - 1 - i if REVERSE else i


@triton.jit
def _sigmoid(x):
    return 1 / (1 + tl.exp(-x))


# ---- convolution and SiLU


@triton.jit
def _tap(x, left, i, channel, length, history, x_row, left_row, REVERSE: tl.constexpr):
    """x at the logical places i; before the first, what stands last in `left`."""
    inside = (i >= 0) & (i < length)
    value = tl.load(x + _row(i, length, REVERSE)[:, None] * x_row + channel[None], mask=inside[:, None], other=0.0).to(tl.float32)
    before = (i < 0) & (i + history >= 0)
    return value + tl.load(left + (i + history)[:, None] * left_row + channel[None], mask=before[:, None], other=0.0).to(tl.float32)


@triton.jit
def _preactivation(x, left, weight, bias, i, channel, length, history, x_row, left_row, REVERSE: tl.constexpr):
    total = tl.load(bias + channel)[None].to(tl.float32) + tl.zeros((i.shape[0], channel.shape[0]), tl.float32)
    for j in tl.static_range(4):
        total += _tap(x, left, i - j, channel, length, history, x_row, left_row, REVERSE) * tl.load(weight + channel * 4 + 3 - j)[None]
    return total


@triton.jit
def _conv_forward(x, left, weight, bias, y, length, history, width, x_batch, x_row, left_batch, left_row,
                  ROWS: tl.constexpr, COLUMNS: tl.constexpr, REVERSE: tl.constexpr):
    batch = tl.program_id(2).to(tl.int64)
    i = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    pre = _preactivation(x + batch * x_batch, left + batch * left_batch, weight, bias, i, channel, length, history, x_row, left_row, REVERSE)
    rows = batch * length + _row(i, length, REVERSE)
    tl.store(y + rows[:, None] * width + channel[None], (pre * _sigmoid(pre)).to(y.dtype.element_ty), mask=(i < length)[:, None])


@triton.jit
def _conv_backward(x, left, weight, bias, grad, grad_x, grad_left, sums, length, history, width, x_batch, x_row, left_batch, left_row,
                   ROWS: tl.constexpr, COLUMNS: tl.constexpr, REVERSE: tl.constexpr):
    """sums [5, width]: the gradients of the taps, last first, and of the bias; grad_left [b, 3, width]."""
    batch = tl.program_id(2).to(tl.int64)
    i = tl.program_id(0) * ROWS - 3 + tl.arange(0, ROWS)
    channel = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    x += batch * x_batch
    left += batch * left_batch
    out = tl.zeros((ROWS, COLUMNS), tl.float32)
    for j in tl.static_range(4):
        to = i + j
        there = (to >= 0) & (to < length)
        pre = _preactivation(x, left, weight, bias, to, channel, length, history, x_row, left_row, REVERSE)
        gate = _sigmoid(pre)
        rows = batch * length + _row(to, length, REVERSE)
        slope = tl.load(grad + rows[:, None] * width + channel[None], mask=there[:, None], other=0.0).to(tl.float32) * gate * (1 + pre * (1 - gate))
        out += slope * tl.load(weight + channel * 4 + 3 - j)[None]
        own = _tap(x, left, i, channel, length, history, x_row, left_row, REVERSE)
        tl.atomic_add(sums + j * width + channel, tl.sum(slope * own, 0))
        if j == 0:
            tl.atomic_add(sums + 4 * width + channel, tl.sum(slope, 0))
    rows = batch * length + _row(i, length, REVERSE)
    tl.store(grad_x + rows[:, None] * width + channel[None], out.to(grad_x.dtype.element_ty), mask=((i >= 0) & (i < length))[:, None])
    tl.store(grad_left + (batch * 3 + i + 3)[:, None] * width + channel[None], out.to(grad_left.dtype.element_ty), mask=(i < 0)[:, None])


class Convolution(torch.autograd.Function):
    """SiLU of the causal depthwise convolution of x [b, L, c] with weight [c, 4]; `left` [b, R, c] or None stands before it."""

    ROWS, COLUMNS = 16, 64

    @staticmethod
    def forward(ctx, x, left, weight, bias, reverse):
        batch, length, width = x.shape
        weight, bias = weight.contiguous(), bias.contiguous()
        ctx.save_for_backward(x, left, weight, bias)
        ctx.reverse = reverse
        y = torch.empty(batch, length, width, dtype=x.dtype, device=x.device)
        source = x if left is None else left
        grid = (triton.cdiv(length, Convolution.ROWS), width // Convolution.COLUMNS, batch)
        _conv_forward[grid](x, source, weight, bias, y, length, 0 if left is None else left.shape[1], width, x.stride(0), x.stride(1),
                            source.stride(0), source.stride(1), Convolution.ROWS, Convolution.COLUMNS, reverse)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, left, weight, bias = ctx.saved_tensors
        batch, length, width = x.shape
        source = x if left is None else left
        grad_x, grad_tail = torch.empty_like(x, memory_format=torch.contiguous_format), x.new_empty(batch, 3, width)
        sums = torch.zeros(5, width, device=x.device)
        grid = (triton.cdiv(length + 3, Convolution.ROWS), width // Convolution.COLUMNS, batch)
        _conv_backward[grid](x, source, weight, bias, grad.contiguous(), grad_x, grad_tail, sums, length, 0 if left is None else left.shape[1], width,
                             x.stride(0), x.stride(1), source.stride(0), source.stride(1), Convolution.ROWS, Convolution.COLUMNS, ctx.reverse)
        grad_left = None
        if left is not None:
            grad_left = torch.zeros(left.shape, dtype=left.dtype, device=left.device)
            kept = min(3, left.shape[1])
            grad_left[:, left.shape[1] - kept:] = grad_tail[:, 3 - kept:]
        return grad_x, grad_left, sums[:4].flip(0).t(), sums[4], None


# ---- the scan


@triton.jit
def _chunk(dt, dt_bias, A_log, length, chunks, heads, dt_batch, dt_row, Q: tl.constexpr, REVERSE: tl.constexpr):
    """This program's head, place among all chunks' states, rows and which of them exist; before softplus dt, dt, which is 0 beyond the end, and A."""
    chunk, head, batch = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    i = chunk * Q + tl.arange(0, Q)
    row, there = _row(i, length, REVERSE), i < length
    raw = tl.load(dt + batch * dt_batch + row * dt_row + head, mask=there, other=0.0).to(tl.float32) + tl.load(dt_bias + head)
    soft = tl.where(raw > 20, raw, tl.log(1 + tl.exp(tl.minimum(raw, 20.0))))
    return head, (batch * chunks + chunk) * heads + head, batch * length + row, there, raw, tl.where(there, soft, 0.0), -tl.exp(tl.load(A_log + head))


@triton.jit
def _tile(base, rows, columns, row_step, mask):
    return tl.load(base + rows[:, None] * row_step + columns[None], mask=mask[:, None], other=0.0)


@triton.jit
def _chunk_states(x, bc, dt, dt_bias, A_log, states, totals, length, chunks, heads, dt_batch, dt_row,
                  Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, REVERSE: tl.constexpr):
    """What every chunk adds to the state [N, P], and the logarithm of what it leaves of the state before it."""
    head, place, rows, there, _, step, A = _chunk(dt, dt_bias, A_log, length, chunks, heads, dt_batch, dt_row, Q, REVERSE)
    n, p = tl.arange(0, N), tl.arange(0, P)
    a = step * A
    s, total = tl.cumsum(a, 0), tl.sum(a, 0)
    B = _tile(bc, rows, n, 2 * N, there)
    u = _tile(x, rows, head * P + p, heads * P, there).to(tl.float32) * (step * tl.exp(total - s))[:, None]
    added = tl.dot(tl.trans(B), u.to(B.dtype), input_precision="ieee")
    tl.store(states + place * N * P + n[:, None] * P + p[None], added)
    tl.store(totals + place, total)


@triton.jit
def _carry(states, totals, first, last, chunks, heads, SIZE: tl.constexpr, BACK: tl.constexpr):
    """states[c], what chunk c adds, becomes the state before it; `last` the state after the end. With BACK from the last chunk to the first."""
    part, head, batch = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    k = part * SIZE + tl.arange(0, SIZE)
    whole = tl.num_programs(0) * SIZE
    state = tl.load(first + (batch * heads + head) * whole + k)
    for c in range(chunks):
        place = (batch * chunks + (chunks - 1 - c if BACK else c)) * heads + head
        added = tl.load(states + place * whole + k)
        tl.store(states + place * whole + k, state)
        state = state * tl.exp(tl.load(totals + place)) + added
    tl.store(last + (batch * heads + head) * whole + k, state)


@triton.jit
def _outputs(x, bc, dt, dt_bias, A_log, D, states, y, length, chunks, heads, dt_batch, dt_row,
             Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, REVERSE: tl.constexpr):
    head, place, rows, there, _, step, A = _chunk(dt, dt_bias, A_log, length, chunks, heads, dt_batch, dt_row, Q, REVERSE)
    n, p = tl.arange(0, N), tl.arange(0, P)
    at = tl.arange(0, Q)
    s = tl.cumsum(step * A, 0)
    B, C = _tile(bc, rows, n, 2 * N, there), _tile(bc, rows, N + n, 2 * N, there)
    own = _tile(x, rows, head * P + p, heads * P, there)
    wide = own.to(tl.float32)
    decay = tl.where(at[:, None] >= at[None], tl.exp(tl.minimum(s[:, None] - s[None], 0.0)), 0.0)
    mixing = decay * tl.dot(C, tl.trans(B), input_precision="ieee")
    start = tl.load(states + place * N * P + n[:, None] * P + p[None])
    out = tl.dot(mixing.to(own.dtype), (wide * step[:, None]).to(own.dtype), input_precision="ieee")
    out += tl.exp(s)[:, None] * tl.dot(C, start.to(own.dtype), input_precision="ieee") + wide * tl.load(D + head)
    tl.store(y + rows[:, None] * (heads * P) + (head * P + p)[None], out.to(y.dtype.element_ty), mask=there[:, None])


@triton.jit
def _state_slopes(bc, dt, dt_bias, A_log, grad, slopes, length, chunks, heads, dt_batch, dt_row,
                  Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, REVERSE: tl.constexpr):
    """The gradient of the state before every chunk, from that chunk's own outputs."""
    head, place, rows, there, _, step, A = _chunk(dt, dt_bias, A_log, length, chunks, heads, dt_batch, dt_row, Q, REVERSE)
    n, p = tl.arange(0, N), tl.arange(0, P)
    C = _tile(bc, rows, N + n, 2 * N, there)
    dy = _tile(grad, rows, head * P + p, heads * P, there).to(tl.float32) * tl.exp(tl.cumsum(step * A, 0))[:, None]
    tl.store(slopes + place * N * P + n[:, None] * P + p[None], tl.dot(tl.trans(C), dy.to(C.dtype), input_precision="ieee"))


@triton.jit
def _slopes(x, bc, dt, dt_bias, A_log, D, states, after, grad, grad_x, grad_bc, grad_dt, sums, length, chunks, heads, dt_batch, dt_row,
            Q: tl.constexpr, P: tl.constexpr, N: tl.constexpr, REVERSE: tl.constexpr, OUTPUTS: tl.constexpr):
    """All gradients of a chunk and head, from those of its outputs and of the state `after` it. sums [3, heads]: dt_bias, A_log, D.

    Without OUTPUTS only the state after the end was wanted of the sequence.
    """
    head, place, rows, there, raw, step, A = _chunk(dt, dt_bias, A_log, length, chunks, heads, dt_batch, dt_row, Q, REVERSE)
    n, p = tl.arange(0, N), tl.arange(0, P)
    at = tl.arange(0, Q)
    a = step * A
    s, total = tl.cumsum(a, 0), tl.sum(a, 0)
    B = _tile(bc, rows, n, 2 * N, there)
    own = _tile(x, rows, head * P + p, heads * P, there)
    wide = own.to(tl.float32)
    u = (wide * step[:, None]).to(x.dtype.element_ty)
    state = place * N * P + n[:, None] * P + p[None]
    start, G = tl.load(states + state), tl.load(after + state)

    # Through the state after the chunk
    left = tl.exp(total - s)
    reached = left[:, None] * tl.dot(B, G.to(x.dtype.element_ty), input_precision="ieee")                # [Q, P], the gradient of u
    dB = left[:, None] * tl.dot(u, tl.trans(G).to(x.dtype.element_ty), input_precision="ieee")
    share = tl.sum(reached * u.to(tl.float32), 1)
    ds = -share
    dtotal = tl.sum(share, 0) + tl.exp(total) * tl.sum(tl.sum(start * G, 1), 0)
    du = reached
    dx = tl.zeros((Q, P), tl.float32)
    dD = 0.0
    if OUTPUTS:
        C = _tile(bc, rows, N + n, 2 * N, there)
        dy = _tile(grad, rows, head * P + p, heads * P, there)
        decay = tl.where(at[:, None] >= at[None], tl.exp(tl.minimum(s[:, None] - s[None], 0.0)), 0.0)
        mixing = decay * tl.dot(C, tl.trans(B), input_precision="ieee")
        dmixing = tl.dot(dy, tl.trans(u), input_precision="ieee")
        dscores = (dmixing * decay).to(x.dtype.element_ty)
        flow = dmixing * mixing
        ds += tl.sum(flow, 1) - tl.sum(flow, 0)
        du += tl.dot(tl.trans(mixing).to(x.dtype.element_ty), dy, input_precision="ieee")
        carried = tl.exp(s)[:, None] * tl.dot(C, start.to(x.dtype.element_ty), input_precision="ieee")
        ds += tl.sum(carried * dy.to(tl.float32), 1)
        dC = tl.dot(dscores, B, input_precision="ieee") + tl.exp(s)[:, None] * tl.dot(dy, tl.trans(start).to(x.dtype.element_ty), input_precision="ieee")
        dB += tl.dot(tl.trans(dscores), C, input_precision="ieee")
        tl.atomic_add(grad_bc + rows[:, None] * (2 * N) + (N + n)[None], dC, mask=there[:, None])
        dx += tl.load(D + head) * dy.to(tl.float32)
        dD = tl.sum(tl.sum(dy.to(tl.float32) * wide, 1), 0)
    tl.atomic_add(grad_bc + rows[:, None] * (2 * N) + n[None], dB, mask=there[:, None])
    tl.store(grad_x + rows[:, None] * (heads * P) + (head * P + p)[None], (dx + step[:, None] * du).to(grad_x.dtype.element_ty), mask=there[:, None])
    # s is the running sum of a, total the whole one
    da = tl.sum(ds, 0) - tl.cumsum(ds, 0) + ds + dtotal
    draw = tl.where(there, (da * A + tl.sum(du * wide, 1)) * _sigmoid(raw), 0.0)
    tl.store(grad_dt + rows * heads + head, draw.to(grad_dt.dtype.element_ty), mask=there)
    tl.atomic_add(sums + head, tl.sum(draw, 0))
    tl.atomic_add(sums + heads + head, tl.sum(da * a, 0))
    if OUTPUTS:
        tl.atomic_add(sums + 2 * heads + head, dD)


class Scan(torch.autograd.Function):
    """y [b, L, H * P] of x, bc [b, L, 2 n] (B, then C), dt [b, L, H] before its softplus, and a first state [b, H, n, P] or None.

    Without `outputs` the state after the end instead of y.
    """

    @staticmethod
    def forward(ctx, x, bc, dt, dt_bias, A_log, D, state, reverse, outputs):
        batch, length, inner = x.shape
        heads, n = dt.shape[2], bc.shape[2] // 2
        p, chunks = inner // heads, triton.cdiv(length, CHUNK)
        states = torch.empty(batch, chunks, heads, n, p, device=x.device)
        totals = torch.empty(batch, chunks, heads, device=x.device)
        sizes, consts, grid = (length, chunks, heads, dt.stride(0), dt.stride(1)), (CHUNK, p, n, reverse), (chunks, heads, batch)
        first = torch.zeros(batch, heads, n, p, device=x.device) if state is None else state.contiguous()
        last = torch.empty_like(first)
        _chunk_states[grid](x, bc, dt, dt_bias, A_log, states, totals, *sizes, *consts)
        _carry[(4, heads, batch)](states, totals, first, last, chunks, heads, n * p // 4, False)
        ctx.save_for_backward(x, bc, dt, dt_bias, A_log, D, states, totals)
        ctx.reverse, ctx.outputs, ctx.has_state = reverse, outputs, state is not None
        if not outputs:
            return last
        y = torch.empty_like(x)
        _outputs[grid](x, bc, dt, dt_bias, A_log, D, states, y, *sizes, *consts)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, bc, dt, dt_bias, A_log, D, states, totals = ctx.saved_tensors
        batch, chunks, heads, n, p = states.shape
        length, grad = x.shape[1], grad.contiguous()
        sizes, consts, grid = (length, chunks, heads, dt.stride(0), dt.stride(1)), (CHUNK, p, n, ctx.reverse), (chunks, heads, batch)
        if ctx.outputs:
            after, end = torch.empty_like(states), states.new_zeros(batch, heads, n, p)
            _state_slopes[grid](bc, dt, dt_bias, A_log, grad, after, *sizes, *consts)
        else:
            after, end = torch.zeros_like(states), grad
        first = torch.empty_like(end)
        _carry[(4, heads, batch)](after, totals, end, first, chunks, heads, n * p // 4, True)
        grad_x, grad_dt = torch.empty_like(x), torch.empty(dt.shape, dtype=dt.dtype, device=dt.device)
        grad_bc, sums = torch.zeros(bc.shape, device=bc.device), torch.zeros(3, heads, device=x.device)
        _slopes[grid](x, bc, dt, dt_bias, A_log, D, states, after, grad, grad_x, grad_bc, grad_dt, sums, *sizes, *consts, ctx.outputs)
        return grad_x, grad_bc.to(bc.dtype), grad_dt, sums[0], sums[1], sums[2] if ctx.outputs else None, first if ctx.has_state else None, None, None


# ---- layers between products


@triton.jit
def _gated_norm_forward(y, z, weight, out, count, width, z_row, eps, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    row, column = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    mask = (row < count)[:, None] & (column < width)[None]
    gate = tl.load(z + row[:, None].to(tl.int64) * z_row + column[None], mask=mask, other=0.0).to(tl.float32)
    place = row[:, None].to(tl.int64) * width + column[None]
    gated = tl.load(y + place, mask=mask, other=0.0).to(tl.float32) * gate * _sigmoid(gate)
    scale = tl.rsqrt(tl.sum(gated * gated, 1) / width + eps)
    result = gated * scale[:, None] * tl.load(weight + column, mask=column < width, other=0.0)[None]
    tl.store(out + place, result.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _gated_norm_backward(y, z, weight, grad, grad_y, grad_z, grad_weight, count, width, z_row, eps, TURNS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    column = tl.arange(0, WIDTH)
    w = tl.load(weight + column, mask=column < width, other=0.0)[None]
    total = tl.zeros((WIDTH,), tl.float32)
    for turn in range(TURNS):
        row = (tl.program_id(0) * TURNS + turn) * ROWS + tl.arange(0, ROWS)
        mask = (row < count)[:, None] & (column < width)[None]
        place = row[:, None].to(tl.int64) * width + column[None]
        gate = tl.load(z + row[:, None].to(tl.int64) * z_row + column[None], mask=mask, other=0.0).to(tl.float32)
        value = tl.load(y + place, mask=mask, other=0.0).to(tl.float32)
        slope = tl.load(grad + place, mask=mask, other=0.0).to(tl.float32)
        open = _sigmoid(gate)
        silu = gate * open
        gated = value * silu
        scale = tl.rsqrt(tl.sum(gated * gated, 1) / width + eps)[:, None]
        normed = gated * scale
        total += tl.sum(slope * normed, 0)
        slope = slope * w
        slope = (slope - normed * (tl.sum(slope * normed, 1) / width)[:, None]) * scale
        tl.store(grad_y + place, (slope * silu).to(grad_y.dtype.element_ty), mask=mask)
        tl.store(grad_z + place, (slope * value * open * (1 + gate * (1 - open))).to(grad_z.dtype.element_ty), mask=mask)
    tl.atomic_add(grad_weight + column, total, mask=column < width)


class GatedNorm(torch.autograd.Function):
    """RMSNorm(y * SiLU(z)) * weight.  y [n, w]; z [n, w] with any distance between rows"""

    ROWS, TURNS = 4, 16

    @staticmethod
    def forward(ctx, y, z, weight, eps):
        y, weight = y.contiguous(), weight.contiguous()
        ctx.save_for_backward(y, z, weight)
        ctx.eps = eps
        out = torch.empty_like(y)
        count, width = y.shape
        _gated_norm_forward[(triton.cdiv(count, GatedNorm.ROWS),)](y, z, weight, out, count, width, z.stride(0), eps, GatedNorm.ROWS, triton.next_power_of_2(width))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        y, z, weight = ctx.saved_tensors
        count, width = y.shape
        grad_y, grad_z, grad_weight = torch.empty_like(y), torch.empty_like(y), torch.zeros_like(weight)
        _gated_norm_backward[(triton.cdiv(count, GatedNorm.ROWS * GatedNorm.TURNS),)](
            y, z, weight, grad.contiguous(), grad_y, grad_z, grad_weight, count, width, z.stride(0), ctx.eps,
            GatedNorm.TURNS, GatedNorm.ROWS, triton.next_power_of_2(width))
        return grad_y, grad_z, grad_weight, None


@triton.jit
def _modulated_forward(x, shift, scale, out, length, width, eps, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    batch = tl.program_id(1).to(tl.int64)
    row, column = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    there = column < width
    mask = (row < length)[:, None] & there[None]
    place = (batch * length + row)[:, None] * width + column[None]
    value = tl.load(x + place, mask=mask, other=0.0).to(tl.float32)
    value = tl.where(mask, value - (tl.sum(value, 1) / width)[:, None], 0.0)
    normed = value * tl.rsqrt(tl.sum(value * value, 1) / width + eps)[:, None]
    result = normed * (1 + tl.load(scale + batch * width + column, mask=there, other=0.0))[None] + tl.load(shift + batch * width + column, mask=there, other=0.0)[None]
    tl.store(out + place, result.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _modulated_backward(x, scale, grad, grad_x, grad_shift, grad_scale, length, width, eps, TURNS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    batch, column = tl.program_id(1).to(tl.int64), tl.arange(0, WIDTH)
    there = column < width
    factor = 1 + tl.load(scale + batch * width + column, mask=there, other=0.0)[None]
    shifts, scales = tl.zeros((WIDTH,), tl.float32), tl.zeros((WIDTH,), tl.float32)
    for turn in range(TURNS):
        row = (tl.program_id(0) * TURNS + turn) * ROWS + tl.arange(0, ROWS)
        mask = (row < length)[:, None] & there[None]
        place = (batch * length + row)[:, None] * width + column[None]
        value = tl.load(x + place, mask=mask, other=0.0).to(tl.float32)
        value = tl.where(mask, value - (tl.sum(value, 1) / width)[:, None], 0.0)
        inverse = tl.rsqrt(tl.sum(value * value, 1) / width + eps)[:, None]
        normed = value * inverse
        slope = tl.load(grad + place, mask=mask, other=0.0).to(tl.float32)
        shifts += tl.sum(slope, 0)
        scales += tl.sum(slope * normed, 0)
        slope = tl.where(mask, slope * factor, 0.0)
        result = (slope - (tl.sum(slope, 1) / width)[:, None] - normed * (tl.sum(slope * normed, 1) / width)[:, None]) * inverse
        tl.store(grad_x + place, result.to(grad_x.dtype.element_ty), mask=mask)
    tl.atomic_add(grad_shift + batch * width + column, shifts, mask=there)
    tl.atomic_add(grad_scale + batch * width + column, scales, mask=there)


class ModulatedNorm(torch.autograd.Function):
    """x [b, n, d]; shift, scale [b, d] float32"""

    ROWS, TURNS, EPS = 4, 8, 1e-6

    @staticmethod
    def forward(ctx, x, shift, scale, dtype):
        x, shift, scale = x.contiguous(), shift.contiguous(), scale.contiguous()
        ctx.save_for_backward(x, scale)
        batch, length, width = x.shape
        out = torch.empty(x.shape, dtype=dtype, device=x.device)
        grid = (triton.cdiv(length, ModulatedNorm.ROWS), batch)
        _modulated_forward[grid](x, shift, scale, out, length, width, ModulatedNorm.EPS, ModulatedNorm.ROWS, triton.next_power_of_2(width))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, scale = ctx.saved_tensors
        batch, length, width = x.shape
        grad_x, grad_shift, grad_scale = torch.empty_like(x), torch.zeros_like(scale), torch.zeros_like(scale)
        grid = (triton.cdiv(length, ModulatedNorm.ROWS * ModulatedNorm.TURNS), batch)
        _modulated_backward[grid](x, scale, grad.contiguous(), grad_x, grad_shift, grad_scale, length, width, ModulatedNorm.EPS,
                                  ModulatedNorm.TURNS, ModulatedNorm.ROWS, triton.next_power_of_2(width))
        return grad_x, grad_shift, grad_scale, None


@triton.jit
def _gated_sum_forward(x, gate, branch, out, length, width, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    batch = tl.program_id(1).to(tl.int64)
    row, column = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    mask = (row < length)[:, None] & (column < width)[None]
    place = (batch * length + row)[:, None] * width + column[None]
    g = tl.load(gate + batch * width + column, mask=column < width, other=0.0)[None]
    result = tl.load(x + place, mask=mask, other=0.0).to(tl.float32) + g * tl.load(branch + place, mask=mask, other=0.0).to(tl.float32)
    tl.store(out + place, result.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _gated_sum_backward(gate, branch, grad, grad_branch, grad_gate, length, width, TURNS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    batch, column = tl.program_id(1).to(tl.int64), tl.arange(0, WIDTH)
    there = column < width
    g = tl.load(gate + batch * width + column, mask=there, other=0.0)[None]
    total = tl.zeros((WIDTH,), tl.float32)
    for turn in range(TURNS):
        row = (tl.program_id(0) * TURNS + turn) * ROWS + tl.arange(0, ROWS)
        mask = (row < length)[:, None] & there[None]
        place = (batch * length + row)[:, None] * width + column[None]
        slope = tl.load(grad + place, mask=mask, other=0.0).to(tl.float32)
        total += tl.sum(slope * tl.load(branch + place, mask=mask, other=0.0).to(tl.float32), 0)
        tl.store(grad_branch + place, (slope * g).to(grad_branch.dtype.element_ty), mask=mask)
    tl.atomic_add(grad_gate + batch * width + column, total, mask=there)


class GatedSum(torch.autograd.Function):
    """x + gate * branch.  x, branch [b, n, d]; gate [b, d] float32"""

    ROWS, TURNS = 4, 8

    @staticmethod
    def forward(ctx, x, gate, branch):
        x, gate, branch = x.contiguous(), gate.contiguous(), branch.contiguous()
        ctx.save_for_backward(gate, branch)
        batch, length, width = x.shape
        out = torch.empty_like(x)
        _gated_sum_forward[(triton.cdiv(length, GatedSum.ROWS), batch)](x, gate, branch, out, length, width, GatedSum.ROWS, triton.next_power_of_2(width))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        gate, branch = ctx.saved_tensors
        batch, length, width = branch.shape
        grad = grad.contiguous()
        grad_branch, grad_gate = torch.empty_like(branch), torch.zeros_like(gate)
        _gated_sum_backward[(triton.cdiv(length, GatedSum.ROWS * GatedSum.TURNS), batch)](
            gate, branch, grad, grad_branch, grad_gate, length, width, GatedSum.TURNS, GatedSum.ROWS, triton.next_power_of_2(width))
        return grad, grad_gate, grad_branch
