"""`tokenizer.json` and `tokenizer_config.json`: byte-level BPE, as the library tokenizers reads it."""

from __future__ import annotations

import json
from typing import Any

from bakehouse.model_files.gguf.header import GgufError, Header

WORDS, KINDS, MERGES = (f"tokenizer.ggml.{name}" for name in ("tokens", "token_type", "merges"))
LISTS = (WORDS, KINDS, MERGES)

_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_SPLITS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [_BYTES],
    "smollm": [{"type": "Digits", "individual_digits": True}, _BYTES],
}
"""How a text is cut before merges, by GGUF's name: `LLAMA_VOCAB_PRE_TYPE_*` in llama.cpp's src/llama-vocab.cpp."""

_CONTROL, _OF_THE_USER = 3, 4
"""Kinds of tokens that no merge makes. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""
_ROLES = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def tokenizer(header: Header) -> str:
    """Raises GgufError for another kind of tokenizer."""
    kind, split = header.metadata.get("tokenizer.ggml.model"), str(header.metadata.get("tokenizer.ggml.pre"))
    if kind != "gpt2" or split not in _SPLITS:
        known = ", ".join(sorted(_SPLITS))
        raise GgufError(
            f"only tokenizers of the kind gpt2 that cut like {known} can be converted, not {kind} like {split}"
        )
    words = _words(header)
    found = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(header, words),
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": _SPLITS[split]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": list(header.lists.get(MERGES, ())),
        },
    }
    return json.dumps(found, ensure_ascii=False) + "\n"


def tokenizer_configuration(header: Header) -> str:
    words = _words(header)
    ids = {name: header.metadata.get(f"tokenizer.ggml.{role}_token_id") for name, role in _ROLES.items()}
    found = {
        "add_prefix_space": False,
        "chat_template": header.metadata.get("tokenizer.chat_template"),
        "clean_up_tokenization_spaces": False,
        "model_max_length": header.number("context_length"),
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{name: words[number] for name, number in ids.items() if isinstance(number, int)},
    }
    return json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _words(header: Header) -> tuple[str, ...]:
    if WORDS not in header.lists:
        raise GgufError("the file holds no vocabulary")
    return tuple(map(str, header.lists[WORDS]))


def _added(header: Header, words: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "content": words[number],
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": kind == _CONTROL,
        }
        for number, kind in enumerate(header.lists.get(KINDS, ()))
        if kind in (_CONTROL, _OF_THE_USER)
    ]
