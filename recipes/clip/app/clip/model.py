"""Both parts of the model behind the service: each is loaded beside the event loop, and used by a thread of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from service.pictures import Picture
from service.sessions import Array, Session, there
from tokenizers import Tokenizer

from clip.preparing import pixels
from clip.settings import ClipSettings

Vector = npt.NDArray[np.float32]
Tokens = tuple[int, ...]
END = "<|endoftext|>"
WARM_UP = "a photo of a person"


class Clip:
    def __init__(self, settings: ClipSettings) -> None:
        self._settings = settings
        self._eyes: Session | None = None
        self._words: Session | None = None
        self._tokenizer: Tokenizer | None = None
        self._padding = 0
        self.size = 0
        self.dimensions = 0

    def load(self) -> None:
        """Raises what is wrong with which variable; after it, both parts were used once."""
        settings = self._settings
        there(settings.model, "MODEL")
        there(settings.text_model_file, "TEXT_MODEL")
        there(settings.tokenizer_file, "TOKENIZER")
        tokenizer = Tokenizer.from_file(str(settings.tokenizer_file))
        tokenizer.enable_truncation(max_length=settings.max_tokens)
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._padding = tokenizer.token_to_id(END) or 0
        self._eyes = Session(settings.model, settings)
        self._words = Session(settings.text_model_file, settings, variable="TEXT_MODEL")
        self.size = _size(self._eyes)
        blank = np.zeros((3, self.size, self.size), dtype=np.float32)
        seen, read = self.see([blank])[0], self.read([self.tokens(WARM_UP)])[0]
        if len(seen) != len(read):
            raise RuntimeError(f"TEXT_MODEL: gives {len(read)} numbers, and MODEL {len(seen)}: not of one model")
        self.dimensions = len(seen)
        self._try_the_longest()

    def _try_the_longest(self) -> None:
        """Before a client does. Raises RuntimeError where the model has fewer positions than MAX_TOKENS."""
        most = self._settings.max_tokens
        try:
            self.read([self.tokens("a " * most)])
        except Exception as error:
            raise RuntimeError(f"MAX_TOKENS={most}: the model does not take a text of so many tokens") from error

    def info(self) -> dict[str, Any]:
        if not (self._eyes and self._words):
            return {}
        return {
            **self._eyes.info(),
            "text_model": self._words.file.name,
            "text_model_sha256": self._words.sha256,
            "input": [self.size, self.size],
            "dimensions": self.dimensions,
        }

    def prepare(self, picture: Picture) -> Vector:
        return pixels(picture, self.size)

    def tokens(self, text: str) -> Tokens:
        assert self._tokenizer is not None
        return tuple(self._tokenizer.encode(text).ids)

    def see(self, pictures: Sequence[Vector]) -> list[Vector]:
        """One inference."""
        assert self._eyes is not None
        (name,) = self._eyes.inputs
        return _vectors(self._eyes.run({name: np.stack(pictures)}), "image_embeds")

    def read(self, texts: Sequence[Tokens]) -> list[Vector]:
        """One inference. What follows a text's end is not looked at, whatever stands there."""
        assert self._words is not None
        ids = np.full((len(texts), max(map(len, texts))), self._padding, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        known = {"input_ids": ids, "attention_mask": mask}
        return _vectors(self._words.run({name: known[name] for name in self._words.inputs}), "text_embeds")


def _vectors(outputs: dict[str, Array], name: str) -> list[Vector]:
    """Of length 1."""
    values = np.asarray(outputs.get(name, next(iter(outputs.values()))), dtype=np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return list(values / np.maximum(lengths, 1e-12))


def _size(session: Session) -> int:
    """Raises ValueError where the model takes something else than square pictures."""
    (entry,) = session.inputs.values()
    shape = list(entry.shape)
    if len(shape) != 4 or shape[1] not in (3, "num_channels"):  # noqa: PLR2004 - batch, channel, row, column
        raise ValueError(f"MODEL: takes {shape}, expected [batch, 3, height, width]")
    if isinstance(shape[2], int) and shape[2] != shape[3]:
        raise ValueError(f"MODEL: takes {shape}, expected square pictures")
    return shape[2] if isinstance(shape[2], int) else 224
