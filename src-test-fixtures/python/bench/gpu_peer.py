"""Times PyTorch's counterparts of the kernels that `lingen bench gpu` times, at the same shapes in BF16, on one CUDA device.

    python -m bench.gpu_peer                                  LinGen-4B, 512x512, 17 s
    python -m bench.gpu_peer --mamba DIR                      and Mamba2's Triton scan: DIR holds the package mamba_ssm
    python -m bench.gpu_peer --only scan,attention            names that contain one of these

Random data, CUDA events, two warm-ups, the median of --repeats; short work runs several times in a row between two events. Names are
those of `lingen bench gpu`; what follows a semicolon says where the work differs. Attention is scaled_dot_product_attention, windows
as a batch that is already cut. The scan has its convolution and SiLU neither in it nor before it, or both before it in plain PyTorch.
Prints a line per figure: name, milliseconds, and TFLOP/s or, of the copy, TB/s.
"""

import argparse
import statistics
import sys
import time
from contextlib import nullcontext

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

HEAD = 128
WINDOW = (16, 4, 4)
TEXT_TOKENS = 64
STATE = 128
SCAN_HEAD = 64
TAPS = 4
CHUNK = 256
REVIEW_CELLS = 8
ROWS = 16384
FRAMES, SIDE, CHANNELS, GROUPS = 8, 256, 128, 32  # a decoder's last level
LEAST_MS = 5
MOST_IN_A_ROW = 20
REST = 0.5  # seconds: a device that comes from work at the limit of its power starts with a lower clock


class Clock:
    def __init__(self, device, repeats):
        self.device = device
        self.repeats = repeats

    def once(self, work, count):
        """Milliseconds of one of several runs in a row."""
        if self.device.type != "cuda":
            start = time.perf_counter()
            for _ in range(count):
                work()
            return 1e3 * (time.perf_counter() - start) / count
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(count):
            work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / count

    def __call__(self, work):
        if self.device.type == "cuda":
            time.sleep(REST)
        self.once(work, 1)
        warm = self.once(work, 1)
        count = max(1, min(MOST_IN_A_ROW, round(LEAST_MS / warm)))
        return statistics.median(self.once(work, count) for _ in range(self.repeats))


class Cases:
    """Makes each case when it is its turn, so that inputs of one need not fit beside those of the next."""

    def __init__(self, device, grid, hidden, mamba):
        self.device = device
        self.n = grid[0] * grid[1] * grid[2]
        self.d = hidden
        self.heads = max(1, hidden // HEAD)
        self.mamba = mamba
        self.large = device.type == "cuda"

    def normal(self, *shape, dtype=torch.bfloat16, scale=1.0):
        return torch.randn(*shape, device=self.device, dtype=dtype) * scale

    def all(self):
        """(name, function that gives the work and its operations, or minus its bytes)."""
        yield "copy", self.copy
        yield "BF16 product", self.product
        if self.mamba:
            yield "scan thw, forward; without convolution", lambda: self.scan(self.n + self.n // REVIEW_CELLS, False)
            yield "scan thw, forward; convolution before", lambda: self.scan(self.n + self.n // REVIEW_CELLS, True)
            yield "scan thw, backward; without convolution", lambda: self.scan(self.n, False)
        window = WINDOW[0] * WINDOW[1] * WINDOW[2]
        yield "window attention; windows cut", lambda: self.attention(max(1, self.n // window), window, window)
        yield "cross-attention", lambda: self.attention(1, self.n, TEXT_TOKENS)
        yield "full attention (DiT)", lambda: self.attention(1, self.n, self.n)
        yield "full attention (DiT); FlashAttention-2", lambda: self.attention(1, self.n, self.n, SDPBackend.FLASH_ATTENTION)
        yield "d to d", lambda: self.linear(1, 1)
        yield "d to 4d, GELU", lambda: self.linear(1, 4, "gelu")
        yield "d to 4d, GELU; in the product", lambda: self.linear(1, 4, "fused gelu")
        yield "4d to d, gate and residual", lambda: self.linear(4, 1, "gate")
        yield "4d to d; product alone", lambda: self.linear(4, 1)
        yield "group norm, SiLU, 128", self.group_norm
        yield "convolution 1x3x3, 128; frames as images", lambda: self.convolution(3)
        yield "convolution 3x1x1, 128", lambda: self.convolution(1)

    def copy(self):
        source = self.normal(1 << (30 if self.large else 12), dtype=torch.float32)
        target = torch.empty_like(source)
        return lambda: target.copy_(source), -8 * source.numel()

    def product(self):
        n = 8192 if self.large else 64
        x, weight, out = self.normal(n, n), self.normal(n, n), self.normal(n, n)
        return lambda: torch.mm(x, weight.t(), out=out), 2 * n**3

    def linear(self, wide_in, wide_out, end=None):
        rows, columns, features = min(self.n, ROWS), wide_in * self.d, wide_out * self.d
        x = self.normal(rows, columns)
        weight = self.normal(features, columns, scale=columns**-0.5)
        bias = self.normal(features)
        operations = 2 * rows * columns * features
        if end == "gelu":
            return lambda: F.gelu(F.linear(x, weight, bias), approximate="tanh"), operations
        if end == "fused gelu":
            return lambda: torch._addmm_activation(bias, x, weight.t(), use_gelu=True), operations
        if end == "gate":
            stream = self.normal(rows, features, dtype=torch.float32)
            gate = self.normal(features, dtype=torch.float32)
            return lambda: stream.add_(gate * F.linear(x, weight, bias)), operations
        return lambda: F.linear(x, weight, bias), operations

    def video(self):
        """Frames as images, channels last."""
        side = SIDE if self.large else 16
        return self.normal(FRAMES, CHANNELS, side, side).to(memory_format=torch.channels_last)

    def group_norm(self):
        x = self.video()
        weight, bias = self.normal(CHANNELS), self.normal(CHANNELS)
        return lambda: F.silu(F.group_norm(x, GROUPS, weight, bias)), -4 * x.numel()

    def convolution(self, side):
        """1 x side x side taps, or three along time where side is 1; cuDNN has a second to choose."""
        torch.backends.cudnn.benchmark = True
        x = self.video()
        operations = 2 * x.numel() * CHANNELS * max(3, side * side)
        if side > 1:
            weight = self.normal(CHANNELS, CHANNELS, side, side).to(memory_format=torch.channels_last)
            return lambda: F.conv2d(x, weight, padding=side // 2), operations
        clip = x.permute(1, 0, 2, 3).unsqueeze(0)  # [1, C, T, H, W], in memory [T, H, W, C]
        weight = self.normal(CHANNELS, CHANNELS, 3, 1, 1).to(memory_format=torch.channels_last_3d)
        return lambda: F.conv3d(clip, weight, padding=(1, 0, 0)), operations

    def attention(self, batch, queries, keys, backend=None):
        """By the backend that PyTorch chooses, or a given one; all lie as a linear layer leaves them: [tokens, heads, HEAD]."""
        q = self.normal(batch, queries, self.heads, HEAD).transpose(1, 2)
        k, v = (self.normal(batch, keys, self.heads, HEAD).transpose(1, 2) for _ in range(2))

        def work():
            with sdpa_kernel(backend) if backend else nullcontext():
                return F.scaled_dot_product_attention(q, k, v)

        return work, 4 * batch * self.heads * HEAD * queries * keys

    def scan(self, steps, convolves):
        from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined

        inner = 2 * self.d
        heads = inner // SCAN_HEAD
        channels = inner + 2 * STATE
        xbc = self.normal(1, steps, channels)
        dt = self.normal(1, steps, heads)
        a = -torch.exp(self.normal(heads, dtype=torch.float32, scale=0.7) + 1)
        skip, dt_bias = self.normal(heads, dtype=torch.float32), self.normal(heads, dtype=torch.float32) - 3
        weight, bias = self.normal(channels, 1, TAPS, scale=0.5), self.normal(channels)

        def convolved():
            return F.silu(F.conv1d(xbc.transpose(1, 2), weight, bias, padding=TAPS - 1, groups=channels)[..., :steps])

        def work():
            parts = convolved().transpose(1, 2) if convolves else xbc
            x, b, c = parts.split((inner, STATE, STATE), dim=-1)
            return mamba_chunk_scan_combined(
                x.unflatten(-1, (heads, SCAN_HEAD)), dt, a, b.unsqueeze(2), c.unsqueeze(2), CHUNK,
                D=skip, dt_bias=dt_bias, dt_softplus=True)

        # As `lingen bench gpu` counts them: chunks of 64, scores once for all heads, half of each square masked away.
        return work, steps * (2 * 64 * STATE + 2 * inner * (64 + 2 * STATE))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", default="34,32,32", help="tokens T,H,W")
    parser.add_argument("--hidden", type=int, default=2560)
    parser.add_argument("--mamba", metavar="DIR", help="folder with the package mamba_ssm")
    parser.add_argument("--only", default="", metavar="PART,...", help="names that contain one of these")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cuda", help="cpu tries the code at small sizes; its times mean nothing")
    arguments = parser.parse_args()
    if arguments.mamba:
        sys.path.insert(0, arguments.mamba)
    device = torch.device(arguments.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"{name}, PyTorch {torch.__version__}")
    print(f"{'peer':44} {'ms':>10} {'TFLOP/s':>8}", flush=True)
    clock = Clock(device, arguments.repeats)
    grid = [int(n) for n in arguments.grid.split(",")]
    for name, make in Cases(device, grid, arguments.hidden, arguments.mamba).all():
        if not any(part in name for part in arguments.only.split(",")):
            continue
        try:
            with torch.inference_mode():
                torch.manual_seed(0)
                work, operations = make()
                ms = clock(work)
        except Exception as error:  # of one figure: the others go on
            print(f"{name:44} {type(error).__name__}: {str(error)[:100]!r}", flush=True)
            continue
        rate = f"{operations / ms / 1e9:8.1f}" if operations > 0 else f"{-operations / ms / 1e9:8.3f} TB/s"
        print(f"{name:44} {ms:10.3f} {rate}", flush=True)
        del work


if __name__ == "__main__":
    main()
