"""What a loaded model takes: measured around its loading, not guessed."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

Meter = Callable[[], int]
"""Bytes that are in use now."""
CUDA_RUNTIME = "libcudart.so.13"


def meter(device: str) -> Meter:
    """Of the card on a card, of this process elsewhere."""
    return _of_the_card() if device == "cuda" else of_this_process


def of_this_process(status: Path = Path("/proc/self/statm")) -> int:
    """Resident bytes, after what was freed went back to the system."""
    give_back()
    return int(status.read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """Glibc keeps what a session freed; without this, the next model would seem to take nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def _of_the_card() -> Meter:
    """By the CUDA runtime, which onnxruntime has loaded: all that is in use on the card, others' memory included."""
    runtime = ctypes.CDLL(CUDA_RUNTIME)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()

    def used() -> int:
        if status := runtime.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)):
            raise RuntimeError(f"DEVICE=cuda: cudaMemGetInfo failed with status {status}")
        return total.value - free.value

    return used
