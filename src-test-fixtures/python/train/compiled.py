"""All that runs compiled when a denoiser is trained: on a CPU with AVX-512, or on a GPU.

    from train import compiled
    compiled.install("cpu")
"""

from train import attention_cpu, pointwise_cpu, scan_cpu


def install(device: str) -> None:
    """For every denoiser of this process; on a CPU that cannot compile or run it nothing changes."""
    if device == "cpu":
        for part in (attention_cpu, pointwise_cpu, scan_cpu):
            part.install()
    else:
        # Needs Triton, which comes with PyTorch for GPUs only.
        from train import fused_gpu

        fused_gpu.install()
