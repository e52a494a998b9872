"""The header of a GGUF file: metadata and the list of tensors. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

Our own reader, because the package `gguf` builds a Python object for each word of the vocabulary: 1.9 s for SmolLM2's
49,000, and a traceback for a file that is something else. Here the words are stepped over.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bakehouse.errors import InputError
from bakehouse.model_files.gguf.tensor_types import TENSOR_TYPES

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SHORTEST_TENSOR = 24
"""Bytes that the header needs at least for a tensor: a length, dimensions, type and offset."""
_LONGEST_LIST = 4096
"""Numbers that are kept of a list. Lists of layers are short, lists of a vocabulary's words are not looked at."""
_MOST_DIMENSIONS = 8
_ALIGNMENT = 32
"""Bytes, where `general.alignment` does not say otherwise."""
_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STARTS = (
    (b"version https://git-lfs", "it is a pointer of Git LFS, not the file itself: run `git lfs pull`"),
    (b"PK\x03\x04", "it is a ZIP archive; a checkpoint of PyTorch must be converted first (convert_hf_to_gguf.py)"),
    (b"\x80\x02", "it is a checkpoint of PyTorch and must be converted first (convert_hf_to_gguf.py)"),
    (b"lmgg", "it is of llama.cpp before GGUF: convert the model's original weights again"),
    (b"tjgg", "it is of llama.cpp before GGUF: convert the model's original weights again"),
    (b"<!doctype", "it is a web page: a download asked for the page of the file, not for the file"),
    (b"<html", "it is a web page: a download asked for the page of the file, not for the file"),
)
"""What people have instead, and what helps; compared in lower case."""

MERGE = "llama-gguf-split --merge FIRST-PIECE.gguf WHOLE.gguf"
"""Makes one file of the pieces of a model."""

Value = str | int | float | bool | tuple[int | float | bool, ...] | None
"""None: a list of words, or one that is too long to be of layers."""


class GgufError(InputError):
    """The file is no GGUF, cut short, or newer than this reader."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    name: str
    type: int
    """ggml's number; `TENSOR_TYPES` has those that are known."""
    shape: tuple[int, ...]
    """The length of a row first."""
    offset: int
    """Bytes from the beginning of the weights."""

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """None: a type that is not known here."""
        known = TENSOR_TYPES.get(self.type)
        return known.size(self.elements) if known else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    file_bytes: int
    weights_at: int
    """Where the weights begin, in bytes."""
    lists: Mapping[str, tuple[str | int | float | bool, ...]] = field(default_factory=dict)
    """Those that were asked for, whole."""

    @property
    def architecture(self) -> str:
        """`llama`, `qwen3moe`; empty where the file does not say."""
        return str(self.metadata.get("general.architecture") or "")

    def of(self, key: str) -> Value:
        """Metadata of its architecture: `block_count`."""
        return self.metadata.get(f"{self.architecture}.{key}")

    def number(self, key: str) -> int | None:
        """The same, where it is a whole number."""
        value = self.of(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_header(path: Path, *, lists: Collection[str] = ()) -> Header:
    """`lists` are keys whose lists are read whole, however long: a vocabulary's words.

    Raises GgufError when it is no GGUF, or not all of one; OSError when it cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < len(MAGIC):
            raise GgufError(f"{path} is not a GGUF file: it is {'empty' if not size else f'{size} bytes long'}")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(path, data, lists).header()


class _Reader:
    def __init__(self, path: Path, data: mmap.mmap, lists: Collection[str]) -> None:
        self._path, self._data, self._at, self._order = path, data, 0, "<"
        self._asked = frozenset(lists)
        self._lists: dict[str, tuple[str | int | float | bool, ...]] = {}

    def header(self) -> Header:
        self._begin()
        tensors, entries = self._number("Q"), self._number("Q")
        if tensors * _SHORTEST_TENSOR > len(self._data):
            raise self._damaged(f"it names {tensors:,} tensors, which do not fit into it")
        metadata: dict[str, Value] = {}
        for _ in range(entries):
            key = self._text()
            metadata[key] = self._value(self._number("I"), key)
        found = tuple(self._tensor() for _ in range(tensors))
        alignment = metadata.get("general.alignment")
        step = alignment if isinstance(alignment, int) and alignment > 0 else _ALIGNMENT
        header = Header(
            metadata=metadata,
            tensors=found,
            file_bytes=len(self._data),
            weights_at=-(-self._at // step) * step,
            lists=self._lists,
        )
        self._require_all(header)
        return header

    def _begin(self) -> None:
        if self._data[: len(MAGIC)] != MAGIC:
            start = bytes(self._data[:64])
            why = next((words for begin, words in _STARTS if start.lower().startswith(begin.lower())), None)
            looks = why or f"it begins with {start[:8]!r}, not with {MAGIC!r}"
            if why is None and start[8:9] == b"{":
                looks = "it is a safetensors file and must be converted first (convert_hf_to_gguf.py)"
            raise GgufError(f"{self._path} is not a GGUF file: {looks}")
        self._at = len(MAGIC)
        version = self._number("I")
        if version and not version & 0xFFFF:
            self._order, self._at = ">", len(MAGIC)
            version = self._number("I")
        if version not in _VERSIONS:
            known = " and ".join(map(str, _VERSIONS))
            raise GgufError(f"{self._path} is GGUF of version {version}, and versions {known} can be read")

    def _require_all(self, header: Header) -> None:
        """A download that stopped has its whole header, and not all of its weights."""
        ends = [header.weights_at + one.offset + (one.bytes or 0) for one in header.tensors]
        if (end := max(ends, default=0)) > header.file_bytes:
            raise GgufError(
                f"{self._path} is cut short: its weights end at byte {end:,}, and it has {header.file_bytes:,}",
                hint="Download it again.",
            )

    def _value(self, kind: int, key: str) -> Value:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._list(key)
        if kind not in _NUMBERS:
            raise self._damaged(f"the value of {key} is of an unknown kind, {kind}")
        return self._number(_NUMBERS[kind])

    def _list(self, key: str) -> Value:
        kind, count = self._number("I"), self._number("Q")
        if kind == _STRING and key in self._asked:
            self._lists[key] = tuple(self._text() for _ in range(count))
            return None
        if kind == _STRING:
            for _ in range(count):
                self._skip(self._number("Q"))
            return None
        if kind == _ARRAY:
            for _ in range(count):
                self._list(key)
            return None
        if kind not in _NUMBERS:
            raise self._damaged(f"the list {key} has values of an unknown kind, {kind}")
        width = struct.calcsize(f"={_NUMBERS[kind]}")
        at = self._skip(count * width)
        if count > _LONGEST_LIST and key not in self._asked:
            return None
        found = struct.unpack_from(f"{self._order}{count}{_NUMBERS[kind]}", self._data, at)
        if key in self._asked:
            self._lists[key] = found
        return found if count <= _LONGEST_LIST else None

    def _tensor(self) -> Tensor:
        name = self._text()
        dimensions = self._number("I")
        if dimensions > _MOST_DIMENSIONS:
            raise self._damaged(f"the tensor {name} has {dimensions} dimensions")
        shape = tuple(self._number("Q") for _ in range(dimensions))
        return Tensor(name=name, type=self._number("I"), shape=shape, offset=self._number("Q"))

    def _text(self) -> str:
        length = self._number("Q")
        at = self._skip(length)
        return self._data[at : at + length].decode("utf-8", errors="replace")

    def _number(self, form: str) -> int:
        at = self._skip(struct.calcsize(f"={form}"))
        (value,) = struct.unpack_from(f"{self._order}{form}", self._data, at)
        return value  # type: ignore[no-any-return]

    def _skip(self, count: int) -> int:
        """Step over so many bytes; where they begin."""
        at, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise GgufError(f"{self._path} is cut short: it ends inside its own header", hint="Download it again.")
        return at

    def _damaged(self, why: str) -> GgufError:
        return GgufError(f"{self._path} is damaged: {why}", hint="Download it again.")
