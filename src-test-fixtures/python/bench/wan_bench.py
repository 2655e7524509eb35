"""Times diffusers' Wan transformer or decoder in eager PyTorch on the CPU, as a peer for other implementations.

    python -m bench.wan_bench --part denoiser --model DIR --input FILE --precision bf16 --threads 2
    ... --serve              takes turns with another program
    ... --channels-last      convolutions of the decoder on channels-last tensors

DIR is in the layout of diffusers. FILE is a safetensors file: `latent` [C, T, H, W] and, for the denoiser, `text` [tokens, width], which
is padded with zeros to 512 rows. A pass of the denoiser is one velocity for one prompt, at time 500. A pass of the decoder is all
frames of the latent. Models are loaded by from_pretrained in the given precision, as pipelines load them.

Without --serve: one timed pass; prints one JSON line. With --serve: prints the JSON line {"ready": true, ...} once warm; then for every
line `run` on stdin runs one pass and prints its seconds; `run FILE` also writes the output of the pass to a safetensors file, as `output` in
F32; `quit` or the end of stdin ends it. Nothing else goes to stdout.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.utils import logging
from safetensors.torch import load_file, save_file

from lingen_torch.memory import keep_freed_memory

TEXT_ROWS = 512


class DenoiserPass:
    def __init__(self, model, inputs, dtype):
        self.transformer = WanTransformer3DModel.from_pretrained(model / "transformer", torch_dtype=dtype).eval()
        self.latent = inputs["latent"].unsqueeze(0).to(dtype)
        text = inputs["text"]
        self.text = torch.cat([text, text.new_zeros(TEXT_ROWS - len(text), text.shape[1])]).unsqueeze(0).to(dtype)
        self.time = torch.tensor([500])

    def __call__(self, latent_frames):
        """[C, T, H, W]."""
        latent = self.latent[:, :, :latent_frames]
        return self.transformer(latent, self.time, self.text, return_dict=False)[0][0]


class DecoderPass:
    def __init__(self, model, inputs, dtype, channels_last):
        vae = AutoencoderKLWan.from_pretrained(model / "vae", torch_dtype=dtype).eval()
        vae.encoder = None
        if channels_last:
            for convolution in vae.modules():
                if isinstance(convolution, torch.nn.Conv3d):
                    convolution.to(memory_format=torch.channels_last_3d)
                elif isinstance(convolution, torch.nn.Conv2d):
                    convolution.to(memory_format=torch.channels_last)
        mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1)
                     for values in (vae.config.latents_mean, vae.config.latents_std))
        self.vae = vae
        self.latent = (inputs["latent"].unsqueeze(0) * std + mean).to(dtype)
        if channels_last:
            self.latent = self.latent.to(memory_format=torch.channels_last_3d)

    def __call__(self, latent_frames):
        """[T, H, W, 3], clamped to [-1, 1]."""
        return self.vae.decode(self.latent[:, :, :latent_frames], return_dict=False)[0][0].permute(1, 2, 3, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("denoiser", "decoder"), required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="bf16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    logging.disable_progress_bar()
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
    inputs = load_file(arguments.input)
    frames = inputs["latent"].shape[1]
    if arguments.part == "denoiser":
        work = DenoiserPass(arguments.model, inputs, dtype)
    else:
        work = DecoderPass(arguments.model, inputs, dtype, arguments.channels_last)

    def timed(file=""):
        with torch.inference_mode():
            start = time.perf_counter()
            output = work(frames)
            seconds = time.perf_counter() - start
            if file:
                save_file({"output": output.float().contiguous()}, file)
        return seconds

    with torch.inference_mode():
        work(min(2, frames))
    about = {"description": f"diffusers {diffusers.__version__}, PyTorch {torch.__version__}"}
    if not arguments.serve:
        print(json.dumps({**about, "seconds": timed()}))
        return
    print(json.dumps({"ready": True, **about}), flush=True)
    for line in sys.stdin:
        command, _, file = line.strip().partition(" ")
        if command == "quit":
            break
        if command != "run":
            raise SystemExit(f"found {line.strip()!r} on stdin, expected run or quit")
        print(f"{timed(file):.6f}", flush=True)


if __name__ == "__main__":
    main()
