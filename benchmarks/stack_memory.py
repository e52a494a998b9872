"""What a stack's plan says that llama-server takes, beside what the server says itself: within 10 %, or exit code 1.

    python -m benchmarks.stack_memory [--image bakehouse/llama-server:cpu-amd64] [MODEL.gguf ...]

Starts the image with `-lv 5`, whose memory breakdown counts each device's model, context and compute buffers. Beside
the models that are named, two of random weights are made: the shape decides what is allocated, not the values.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from bakehouse.engine.connect import connect
from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Launch, start
from bakehouse.model_files.gguf.header import read_header
from bakehouse.pipeline.context import default_cache
from bakehouse.servers.llama_cpp.memory import allocation

LIMIT = 0.10
PATIENCE = 120.0
MIB = 2**20
SHAPES = {
    "12 layers of 768": (12, 768, 12, 4, 2048, 8192),
    "6 layers of 2048": (6, 2048, 16, 8, 5632, 4096),
}
ARGUMENTS = {
    "12 layers of 768": ("--ctx-size", "8192"),
    "6 layers of 2048": ("--ctx-size", "4096", "--parallel", "1"),
}
OF_FILES = ("--ctx-size", "4096")
_BREAKDOWN = re.compile(r"breakdown.*\|\s+- (\S+)\s.*=\s+(\d+) \+\s+(\d+) \+\s+(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    name: str
    arguments: tuple[str, ...]
    planned: float
    """MiB."""
    allocated: float

    @property
    def apart(self) -> float:
        return self.planned / self.allocated - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--image", default="bakehouse/llama-server:cpu-amd64")
    given = parser.parse_args()
    worst = 0.0
    with (
        tempfile.TemporaryDirectory() as name,
        connect(cache=default_cache(os.environ), environ=os.environ, say=print) as engine,
    ):
        for one in compared(engine, given.image, given.models, Path(name)):
            worst = max(worst, abs(one.apart))
            print(
                f"{one.name:40} {' '.join(one.arguments):40} planned {one.planned:7.1f} MiB, "
                f"allocated {one.allocated:7.1f} MiB, {one.apart:+.1%}"
            )
    return int(worst > LIMIT)


def compared(engine: Engine, image: str, models: list[Path], folder: Path) -> Iterator[Compared]:
    folder.chmod(0o755)
    files: list[tuple[str, Path, tuple[str, ...]]] = [(path.name, path, OF_FILES) for path in models]
    for title, shape in SHAPES.items():
        path = folder / f"{title.replace(' ', '-')}.gguf"
        write_model(path, *shape)
        files.append((title, path, ARGUMENTS[title]))
    for title, path, arguments in files:
        planned = allocation(read_header(path), arguments, {}, False)
        total = (planned.weights + planned.cache + planned.compute) / MIB
        yield Compared(
            name=title, arguments=arguments, planned=total, allocated=allocated(engine, image, path, arguments, folder)
        )


def allocated(engine: Engine, image: str, model: Path, arguments: tuple[str, ...], folder: Path) -> float:
    """MiB of all devices, by the server's own words."""
    launch = Launch(
        reference=image,
        run="stack-memory",
        cell="stack-memory",
        args=("--model", "/models/model.gguf", *arguments, "-lv", "5"),
        files={str(model): "/models/model.gguf"},
    )
    with start(engine, launch, log=folder / "server.log") as container:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = {device: sum(map(int, parts)) for device, *parts in _BREAKDOWN.findall(container.logs())}
            if found:
                return float(sum(found.values()))
            time.sleep(1)
    raise SystemExit(f"llama-server did not print its memory breakdown within {PATIENCE:g} s")


def write_model(path: Path, layers: int, width: int, heads: int, kv: int, forward: int, context: int) -> None:  # noqa: PLR0917
    """A llama of random 16-bit weights that loads and answers."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    words = [
        b"<unk>",
        b"<s>",
        b"</s>",
        *(f"<0x{byte:02X}>".encode() for byte in range(256)),
        b"\xe2\x96\x81",
        b"a",
        b"e",
    ]
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([2, 3, 3, *([6] * 256), 1, 1, 1])
    narrow = width // heads * kv

    def weights(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", (random.standard_normal(shape) * 0.05).astype(np.float16))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    weights("token_embd", len(words), width)
    weights("output", len(words), width)
    norm("output_norm")
    for layer in range(layers):
        block = f"blk.{layer}"
        norm(f"{block}.attn_norm")
        norm(f"{block}.ffn_norm")
        for part, rows in (("attn_q", width), ("attn_k", narrow), ("attn_v", narrow), ("attn_output", width)):
            weights(f"{block}.{part}", rows, width)
        weights(f"{block}.ffn_gate", forward, width)
        weights(f"{block}.ffn_up", forward, width)
        weights(f"{block}.ffn_down", width, forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    sys.exit(main())
