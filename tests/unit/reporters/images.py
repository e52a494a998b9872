"""A catalogue of published images with everything that one can have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from bakehouse.model.image_catalogue import (
    Event,
    Figure,
    Going,
    ImageCatalogue,
    PlatformImage,
    PublishedImage,
    Tested,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
REPOSITORY = "registry.example.org/me/llama-server"


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def figure(cell: str, device: str, median: float, **changes: Any) -> Figure:
    row: dict[str, Any] = {
        "cell": cell, "machine": device, "device": device, "workload": "tg128", "metric": "decode_rate",
        "unit": "tokens/s", "median": median, "low": median * 0.98, "high": median * 1.02, "grade": "exact",
        "time": "2026-11-27T12:00:00Z",
    }  # fmt: skip
    return Figure(**row | changes)


def image(variant: str, letter: str, **changes: Any) -> PublishedImage:
    cell = f"llama-server-{variant}-amd64"
    row: dict[str, Any] = {
        "channel": "nightly", "recipe": "llama-server", "variant": variant, "repository": REPOSITORY,
        "digest": digest(letter), "tags": [f"nightly-{variant}", f"b11312-{variant}-20261127"],
        "title": f"llama-server-{variant}", "version": "b11312", "revision": "0c1e57098bba43ac29e6e3b677cdceebdd22334f",
        "accelerator": "cpu", "cards": ["cpu"], "is_signed": True, "confirmed": NOON,
        "attestations": ["signature", "test result", "measurement", "provenance", "list of packages (SBOM)"],
        "platforms": [
            PlatformImage(
                platform="linux/amd64", digest=digest(letter), cell=cell, bytes_compressed=48_000_000,
                bytes_unpacked=150_000_000, commit="a" * 40, started=NOON,
            )
        ],
        "tests": [Tested(cell=cell, result="PASSED", passed=31, skipped=2, time="2026-11-27T12:00:00Z")],
        "history": [
            Event(kind="confirmed", digest=digest(letter), time=NOON),
            Event(kind="moved", digest=digest(letter), tag=f"b11312-{variant}-20261127", time=NOON),
        ],
    }  # fmt: skip
    return PublishedImage(**row | changes)


def cuda(variant: str, letter: str, *archs: str, toolkit: str, **changes: Any) -> PublishedImage:
    row = {
        "accelerator": "cuda", "archs": list(archs), "toolkit": f"cuda {toolkit}", "driver_floor": "575.57.08",
        "driver_floor_minor": "570.86.16", "cards": ["rtx5080", "rtx5090"],
    }  # fmt: skip
    return image(variant, letter, **row | changes)


def sample_catalogue() -> ImageCatalogue:
    fast = figure("llama-server-cuda12.9-sm120-amd64", "NVIDIA GeForce RTX 5090", 312.4)
    rough = figure(fast.cell, "cpu", 4, grade="noisy")
    own = figure("llama-server-cpu-amd64", "cpu", 21.7, machine="AMD EPYC 9354, 2 cores")
    failed = Tested(
        cell="llama-server-vulkan-amd64", result="FAILED", passed=3, skipped=0, failed=["test_smoke.py::test_answers"]
    )
    newer = {"driver_floor": "580.95.05", "driver_floor_minor": "580.65.06", "is_stale": True}
    going = Going(
        repository=REPOSITORY, tag="b11000-cpu-20260801", digest=digest("f"), variant="cpu", expires=date(2026, 12, 27)
    )
    return ImageCatalogue(
        bakehouse="0.1.0",
        made=NOON,
        title="me/images",
        images=[
            image("cpu", "a", figures=[own]),
            cuda("cuda12.9-sm120", "b", "sm_120", toolkit="12.9.2", figures=[fast, rough]),
            cuda("cuda13.0-sm120", "c", "sm_120", toolkit="13.0.2", expires=date(2026, 12, 27), **newer),
            cuda("cuda12.9-sm86", "d", "sm_86", toolkit="12.9.2", cards=["rtx3080", "rtx4090"], is_signed=False),
            image("vulkan", "e", accelerator="vulkan", cards=["rtx5090", "rx7900xtx"], tests=[failed]),
        ],
        going=[going],
        unread=["registry.example.org/me/embedder cannot be read: status 401 Unauthorized"],
    )
