"""The model: tokens in, sentence embeddings of length 1 out. Mean pooling over the tokens that are not padding."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from service.settings import usable_threads
from tokenizers import Tokenizer

from embedder.settings import EmbedderSettings

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
WARM_UP = ("warm", "a sentence that is a little longer than the other one")
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    ids: tuple[int, ...]


class Embedder:
    """Loaded by `load`, beside the event loop; used by one thread."""

    def __init__(self, settings: EmbedderSettings) -> None:
        self._settings = settings
        self._session: ort.InferenceSession | None = None
        self._tokenizer: Tokenizer | None = None
        self._digest = ""
        self.dimensions = 0

    def load(self) -> None:
        """Raises FileNotFoundError naming the variable, RuntimeError where another device would compute."""
        settings = self._settings
        _there(settings.model, "MODEL")
        _there(settings.tokenizer_file, "TOKENIZER")
        tokenizer = Tokenizer.from_file(str(settings.tokenizer_file))
        tokenizer.enable_truncation(max_length=settings.max_tokens)
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._digest = _sha256(settings.model)
        self._session = _session(settings)
        self.dimensions = len(self.embed([self.tokens(text) for text in WARM_UP])[0])

    def info(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "model": settings.name,
            "model_sha256": self._digest,
            "dimensions": self.dimensions,
            "device": settings.device,
            "providers": self._session.get_providers() if self._session else [],
            "onnxruntime": ort.__version__,
        }

    def tokens(self, text: str) -> Text:
        assert self._tokenizer is not None
        return Text(ids=tuple(self._tokenizer.encode(text).ids))

    def embed(self, texts: Sequence[Text]) -> list[Vector]:
        """One inference. Texts of a batch are padded to the longest of them."""
        assert self._session is not None
        longest = max(len(text.ids) for text in texts)
        ids = np.zeros((len(texts), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        asked = {one.name: known[one.name] for one in self._session.get_inputs()}
        (output, *_) = self._session.run(None, asked)
        return list(_pooled(np.asarray(output, dtype=np.float32), mask))


def _pooled(output: Vector, mask: npt.NDArray[np.int64]) -> Vector:
    """Sentence embeddings: the mean over real tokens, or what the model has pooled itself, of length 1."""
    if output.ndim == 3:  # noqa: PLR2004 - batch, token, dimension
        weights = mask[..., None].astype(np.float32)
        output = (output * weights).sum(axis=1) / weights.sum(axis=1)
    lengths = np.linalg.norm(output, axis=1, keepdims=True)
    return np.asarray(output / np.maximum(lengths, 1e-12), dtype=np.float32)


def _session(settings: EmbedderSettings) -> ort.InferenceSession:
    provider = PROVIDERS.get(settings.device)
    if provider is None:
        raise RuntimeError(f"DEVICE={settings.device!r}: there is {', '.join(PROVIDERS)}")
    if settings.device == "cuda":
        ort.preload_dlls()
    if provider not in ort.get_available_providers():
        raise RuntimeError(f"DEVICE={settings.device}: onnxruntime has only {', '.join(ort.get_available_providers())}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = usable_threads(settings.threads)
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(settings.model), options, providers=[provider])
    if session.get_providers()[0] != provider:
        found = ", ".join(session.get_providers())
        raise RuntimeError(f"DEVICE={settings.device}: the model would run on {found}; is the driver there?")
    return session


def _there(file: Path, variable: str) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{variable}: there is no file {file}; mount it, or name another")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
