"""All that runs compiled when a denoiser is trained on a CPU with AVX-512.

    from train import compiled
    compiled.install()
"""

from train import attention_cpu, pointwise_cpu, scan_cpu


def install() -> None:
    """For every denoiser of this process; on a machine that cannot compile or run it nothing changes."""
    for part in (attention_cpu, pointwise_cpu, scan_cpu):
        part.install()
