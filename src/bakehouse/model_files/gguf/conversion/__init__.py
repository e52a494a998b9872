"""A GGUF file as the folder that Hugging Face's libraries and vLLM read: the same bytes anywhere. Pure.

For servers that read no GGUF, where a package has a model in no other form. Llama's architecture, and byte-level BPE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bakehouse.model.places import ConvertedFile
from bakehouse.model_files.gguf.conversion.configuration import configuration
from bakehouse.model_files.gguf.conversion.tokenizer import LISTS, tokenizer, tokenizer_configuration
from bakehouse.model_files.gguf.conversion.weights import weights
from bakehouse.model_files.gguf.header import Header, read_header

_TEXTS: dict[ConvertedFile, Callable[[Header], str]] = {
    "config.json": configuration,
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": tokenizer_configuration,
}


def converted(path: Path, file: ConvertedFile) -> Iterator[bytes]:
    """One file of the folder, piece by piece. Raises GgufError for a model that cannot be told in it."""
    header = read_header(path, lists=LISTS)
    if file == "model.safetensors":
        yield from weights(path, header)
    else:
        yield _TEXTS[file](header).encode()
