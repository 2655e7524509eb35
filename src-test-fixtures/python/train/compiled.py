"""All that runs compiled when a denoiser is trained: on a CPU with AVX-512, or on a GPU.

    from train import compiled
    compiled.install("cpu")
"""

from train import attention_cpu, fused_gpu, pointwise_cpu, scan_cpu


def install(device: str) -> None:
    """For every denoiser of this process; on a machine that cannot compile or run it nothing changes."""
    for part in (attention_cpu, pointwise_cpu, scan_cpu) if device == "cpu" else (fused_gpu,):
        part.install()
