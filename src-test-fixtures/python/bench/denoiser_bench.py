"""Times one denoiser pass (`lingen` or `dit`) in eager PyTorch on the CPU, as a peer for other implementations.

    python -m bench.denoiser_bench --transformer DIR  --grid 34,8,8 --precision bf16 --threads 2
    python -m bench.denoiser_bench --config FILE.json --grid 34,8,8           seeded random weights
    ... --set architecture=dit --set hidden_size=512                          changes fields of the configuration
    ... --serve                                                               takes turns with another program

Without --serve: two warm-up passes, then --repeats timed ones; prints one JSON line with the median in seconds.
With --serve: prints the JSON line {"ready": true, ...} once warm; then for every line `run` on stdin runs one pass and prints its
seconds; `quit` or the end of stdin ends it. Nothing else goes to stdout.

`--chunk-size` replaces the configuration's: it changes no result, and a fair peer gets the one that suits it best (64 and 128 did).

A pass is one velocity (no guidance) at the given token grid; the text's keys and values are computed once, before. BF16: weights
and activations are BF16; dt, decay, states, softmax and norm statistics, and the modulation stay float32.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch

from fixtures.seeded import fill
from lingen_torch.checkpoint import load_denoiser
from lingen_torch.config import DenoiserConfig
from lingen_torch.denoiser import Denoiser
from lingen_torch.memory import keep_freed_memory


def configuration(arguments):
    values = json.loads(Path(arguments.config).read_text())
    for change in arguments.set:
        name, _, value = change.partition("=")
        *path, last = name.split(".")
        target = values
        for part in path:
            target = target[part]
        try:
            target[last] = json.loads(value)
        except json.JSONDecodeError:
            target[last] = value
    return DenoiserConfig.of(values)


class Pass:
    """One denoiser with its inputs; calling it runs a pass and returns the seconds."""

    def __init__(self, denoiser, grid, text_tokens, precision):
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.denoiser = denoiser.eval()
        if precision == "bf16":
            denoiser.half_precision()
        config = denoiser.config
        generator = torch.Generator().manual_seed(0)
        shape = [n * p for n, p in zip(grid, config.patch_size)]
        self.latent = torch.randn(1, config.in_channels, *shape, generator=generator).to(dtype)
        self.t = torch.tensor([0.5])
        texts = [torch.randn(1, text_tokens, width, generator=generator).to(dtype) for width in config.text_dims]
        with torch.inference_mode():
            self.conditioning = denoiser.condition(texts)

    def __call__(self):
        with torch.inference_mode():
            start = time.perf_counter()
            self.denoiser.velocity(self.latent, self.t, self.conditioning)
            return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--transformer", help="folder in the checkpoint's layout")
    model.add_argument("--config", help="a transformer/config.json; weights are seeded noise")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="with --config: another value")
    parser.add_argument("--grid", default="34,8,8", help="tokens T,H,W")
    parser.add_argument("--text-tokens", type=int, default=64)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="bf16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chunk-size", type=int, help="tokens per chunk of the scan")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    if arguments.transformer:
        denoiser = load_denoiser(arguments.transformer)
    else:
        denoiser = fill(Denoiser(configuration(arguments)), 0)
    if arguments.chunk_size:
        for module in denoiser.modules():
            if hasattr(module, "chunk_size"):
                module.chunk_size = arguments.chunk_size
    grid = tuple(int(n) for n in arguments.grid.split(","))
    one = Pass(denoiser, grid, arguments.text_tokens, arguments.precision)
    about = {"architecture": denoiser.config.architecture, "grid": grid, "precision": arguments.precision,
             "threads": arguments.threads, "parameters": sum(p.numel() for p in denoiser.parameters()),
             "torch": torch.__version__}
    one()
    one()
    if arguments.serve:
        print(json.dumps({"ready": True, "description": "PyTorch " + torch.__version__, **about}), flush=True)
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            if line.strip() != "run":
                raise SystemExit(f"found {line.strip()!r} on stdin, expected run or quit")
            print(f"{one():.6f}", flush=True)
        return
    seconds = [one() for _ in range(arguments.repeats)]
    print(json.dumps({**about, "median_s": statistics.median(seconds), "min_s": min(seconds), "seconds": seconds}))


if __name__ == "__main__":
    main()
