"""The four parts of the model behind the service: loaded beside the event loop, used by one thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from service.pictures import Picture
from service.refused import Refused
from service.sessions import Array, Session, there
from tokenizers import Tokenizer

from florence.preparing import pixels
from florence.settings import EYES, OTHERS, FlorenceSettings
from florence.tasks import Box, Task, places
from florence.writer import Writer

BEGIN, PADDING, END = "<s>", "<pad>", "</s>"
SIZE = 768
"""Pixels along a side, where the model does not say."""
LONGEST = 400
"""Tokens of a prompt: with the picture's 577 they stay below the 1,024 positions of the model."""
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One piece of work."""

    values: npt.NDArray[np.float32]
    """The picture, 3 x size x size."""
    prompt: tuple[int, ...]
    width: int
    height: int
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for it any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    text: str
    """With the marks of places."""
    tokens: int
    complete: bool
    """False: MAX_TOKENS cut it off."""


class Florence:
    def __init__(self, settings: FlorenceSettings) -> None:
        self._settings = settings
        self._parts: dict[str, Session] = {}
        self._tokenizer: Tokenizer | None = None
        self._writer: Writer | None = None
        self.size = SIZE

    def load(self) -> None:
        """Raises what is wrong with which variable; after it, all parts were used once."""
        settings = self._settings
        if EYES not in settings.model.name:
            raise ValueError(f"MODEL: names {settings.model.name}; expected the file of the {EYES}, beside the others")
        there(settings.model, "MODEL")
        there(settings.tokenizer_file, "TOKENIZER")
        tokenizer = Tokenizer.from_file(str(settings.tokenizer_file))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._parts = {name: Session(settings.part(name), settings) for name in (EYES, *OTHERS)}
        self.size = _size(self._parts[EYES])
        self._writer = Writer(
            self._parts["decoder_model_merged"],
            self._parts["embed_tokens"],
            begin=self._id(BEGIN),
            end=self._id(END),
        )
        blank = Asked(values=np.zeros((3, self.size, self.size), np.float32), prompt=(0, 2), width=1, height=1)
        self._write([blank], most=2)

    def info(self) -> dict[str, Any]:
        if self._writer is None:
            return {}
        digests = {name: part.sha256 for name, part in self._parts.items() if name != EYES}
        return {**self._parts[EYES].info(), "input": [self.size, self.size], "parts_sha256": digests}

    def prepare(self, picture: Picture, task: Task, *, text: str, box: Box | None) -> Asked:
        """Runs in a thread of the decoders. Raises Refused for a box outside, and for a prompt that is too long."""
        region = places(box, picture.width, picture.height) if box else ""
        prompt = self._encode(task.asked(text, region))
        if len(prompt) > LONGEST:
            raise Refused(413, f"a prompt of {len(prompt)} tokens; the model takes {LONGEST}")
        values = pixels(picture, self.size)
        return Asked(values=values, prompt=prompt, width=picture.width, height=picture.height)

    def write(self, asked: Sequence[Asked]) -> list[Written]:
        """One batch: the answers begin together, and end with the longest."""
        return self._write(asked, most=self._settings.max_tokens)

    def _write(self, asked: Sequence[Asked], *, most: int) -> list[Written]:
        assert self._writer is not None
        ids, mask = _padded([one.prompt for one in asked], self._id(PADDING))
        seen = self._run(EYES, {"pixel_values": np.stack([one.values for one in asked])})
        embedded = self._run("embed_tokens", {"input_ids": ids})
        given = np.concatenate([seen, embedded], axis=1)
        full = np.concatenate([np.ones(seen.shape[:2], np.int64), mask], axis=1)
        read = self._run("encoder_model", {"attention_mask": full, "inputs_embeds": given})
        rows = self._writer.write(read, full, most=most, is_wanted=lambda: not all(one.gone.is_set() for one in asked))
        return [Written(text=self._text(row.written), tokens=len(row.written), complete=row.ended) for row in rows]

    def _run(self, part: str, feeds: dict[str, Array]) -> Array:
        """The part's one output."""
        session = self._parts[part]
        (found,) = session.run(session.typed(feeds)).values()
        return found

    def _encode(self, text: str) -> tuple[int, ...]:
        assert self._tokenizer is not None
        return (self._id(BEGIN), *self._tokenizer.encode(text, add_special_tokens=False).ids, self._id(END))

    def _text(self, ids: Sequence[int]) -> str:
        assert self._tokenizer is not None
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def _id(self, token: str) -> int:
        assert self._tokenizer is not None
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"TOKENIZER: {self._settings.tokenizer_file.name} has no {token}: not Florence-2's")
        return int(found)


def _padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[Ids, Ids]:
    """Ids and mask, rows x longest. What stands behind a prompt is not looked at."""
    ids = np.full((len(rows), max(map(len, rows))), padding, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, one in enumerate(rows):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return ids, mask


def _size(session: Session) -> int:
    """Raises ValueError where the model takes something else than square pictures."""
    (entry,) = session.inputs.values()
    shape = list(entry.shape)
    if len(shape) != 4 or (isinstance(shape[2], int) and shape[2] != shape[3]):  # noqa: PLR2004 - batch, channel, row, column
        raise ValueError(f"MODEL: takes {shape}, expected [batch, 3, height, width] with square pictures")
    return shape[2] if isinstance(shape[2], int) else SIZE
