"""Compiles the C++ files beside it when they are first needed, for training on a CPU with AVX-512."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

_COMPILER = "g++"
_FLAGS = ["-std=c++17", "-O3", "-march=x86-64-v4", "-mprefer-vector-width=512", "-fno-math-errno", "-shared", "-fPIC"]


def unavailable() -> str | None:
    """Why this machine cannot run them, or None."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return "the CPU has no AVX-512"
    return None if shutil.which(_COMPILER) else f"there is no {_COMPILER}"


@functools.cache
def library(name: str) -> ctypes.CDLL:
    """The library of NAME.cpp; kept in the user's cache by the sources and the flags."""
    source = Path(__file__).with_name(f"{name}.cpp")
    content = b"".join(path.read_bytes() for path in (source, *sorted(source.parent.glob("*.h"))))
    key = hashlib.sha256(content + " ".join(_FLAGS).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lingen-train"
    path = folder / f"{name}-{key}.so"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Processes that start together compile the same file: each under its own name until it is whole.
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            built = Path(temporary) / path.name
            subprocess.run([_COMPILER, *_FLAGS, str(source), "-o", str(built)], check=True)
            os.replace(built, path)
    return ctypes.CDLL(str(path))


@functools.cache
def passes(name: str, call: type[ctypes.Structure]) -> ctypes.CDLL:
    """The library NAME_cpu with its functions NAME_forward and NAME_backward, which take a pointer to `call`."""
    found = library(f"{name}_cpu")
    for direction in ("forward", "backward"):
        function = getattr(found, f"{name}_{direction}")
        function.argtypes, function.restype = [ctypes.POINTER(call)], None
    return found
