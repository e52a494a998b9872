"""The model: tokens in, sentence embeddings of length 1 out. Mean pooling over the tokens that are not padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from service.sessions import Session, there
from tokenizers import Tokenizer

from embedder.settings import EmbedderSettings

WARM_UP = ("warm", "a sentence that is a little longer than the other one")
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    ids: tuple[int, ...]


class Embedder:
    """Loaded by `load`, beside the event loop; used by one thread."""

    def __init__(self, settings: EmbedderSettings) -> None:
        self._settings = settings
        self._session: Session | None = None
        self._tokenizer: Tokenizer | None = None
        self.dimensions = 0

    def load(self) -> None:
        """Raises FileNotFoundError naming the variable, RuntimeError where another device would compute."""
        settings = self._settings
        there(settings.model, "MODEL")
        there(settings.tokenizer_file, "TOKENIZER")
        tokenizer = Tokenizer.from_file(str(settings.tokenizer_file))
        tokenizer.enable_truncation(max_length=settings.max_tokens)
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._session = Session(settings.model, settings)
        self.dimensions = len(self.embed([self.tokens(text) for text in WARM_UP])[0])
        self._try_the_longest()

    def info(self) -> dict[str, Any]:
        loaded = self._session.info() if self._session else {}
        return {**loaded, "model": self._settings.name, "dimensions": self.dimensions}

    def tokens(self, text: str) -> Text:
        assert self._tokenizer is not None
        return Text(ids=tuple(self._tokenizer.encode(text).ids))

    def _try_the_longest(self) -> None:
        """Before a client does. Raises RuntimeError where the model has fewer positions than MAX_TOKENS."""
        most = self._settings.max_tokens
        try:
            self.embed([self.tokens("word " * most)])
        except Exception as error:
            raise RuntimeError(f"MAX_TOKENS={most}: the model does not take a text of so many tokens") from error

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
        outputs = self._session.run({name: known[name] for name in self._session.inputs})
        output = next(iter(outputs.values()))
        return list(_pooled(np.asarray(output, dtype=np.float32), mask))


def _pooled(output: Vector, mask: npt.NDArray[np.int64]) -> Vector:
    """Sentence embeddings: the mean over real tokens, or what the model has pooled itself, of length 1."""
    if output.ndim == 3:  # noqa: PLR2004 - batch, token, dimension
        weights = mask[..., None].astype(np.float32)
        output = (output * weights).sum(axis=1) / weights.sum(axis=1)
    lengths = np.linalg.norm(output, axis=1, keepdims=True)
    return np.asarray(output / np.maximum(lengths, 1e-12), dtype=np.float32)
