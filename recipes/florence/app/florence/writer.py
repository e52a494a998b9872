"""Writing token by token, the likeliest each time. What was computed before stays on the device.

As Florence-2's own generation is set up (`generation_config.json`): it starts from the end mark, the first token is the
begin mark, and no three tokens in a row come twice. Its authors search with three beams; this takes one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from service.sessions import Array, Kept, Session

PAST, PRESENT = "past_key_values", "present"
Scores = npt.NDArray[np.float32]


@dataclass(kw_only=True, slots=True)
class Row:
    """An answer that grows behind its start."""

    ids: list[int]
    ended: bool = False
    _followed: dict[tuple[int, int], set[int]] = field(default_factory=lambda: defaultdict(set))
    """Two tokens to those that came after them."""

    @property
    def written(self) -> list[int]:
        """Without the start."""
        return self.ids[1:]

    def add(self, token: int) -> None:
        if len(self.ids) > 1:
            self._followed[self.ids[-2], self.ids[-1]].add(token)
        self.ids.append(token)

    def barred(self) -> Sequence[int]:
        """What would be said twice."""
        return list(self._followed.get((self.ids[-2], self.ids[-1]), ())) if len(self.ids) > 1 else []


class Writer:
    def __init__(self, decoder: Session, words: Session, *, begin: int, end: int) -> None:
        """`begin`, `end`: the tokens of the marks. Raises ValueError where the decoder is not a merged one."""
        self._decoder = decoder
        self._words = words
        self._begin = begin
        self._end = end
        self._past = [name for name in decoder.inputs if name.startswith(PAST)]
        if not self._past or "use_cache_branch" not in decoder.inputs:
            raise ValueError(f"MODEL: {decoder.file.name} takes no {PAST} or no use_cache_branch: not a merged export")

    def write(
        self,
        read: Array,
        mask: npt.NDArray[np.int64],
        *,
        most: int,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> list[Row]:
        """`read`: rows x tokens x width, what the encoder made of pictures and prompts. `most`: tokens of an answer.
        `is_wanted`: whether anybody still waits; asked before each token.
        """
        rows = [Row(ids=[self._end]) for _ in read]
        given = self._decoder.typed({"encoder_hidden_states": read}) | {"encoder_attention_mask": mask}
        about = {name: self._decoder.keep(value) for name, value in given.items()}
        caches: dict[str, Kept] = {name: self._empty(name, len(rows)) for name in self._past}
        for step in range(most):
            if not is_wanted():
                break
            logits = self._step(rows, about, caches, first=step == 0)
            for row, scores in zip(rows, logits, strict=True):
                if not row.ended:
                    row.add(self._begin if step == 0 else _likeliest(scores, row))
                    row.ended = row.ids[-1] == self._end
            if all(row.ended for row in rows):
                break
        return rows

    def _step(self, rows: Sequence[Row], about: dict[str, Kept], caches: dict[str, Kept], *, first: bool) -> Scores:
        """Rows x vocabulary. The caches grow; those of what was read come with the first step, and stay.

        A row that has ended goes on with the others, and nobody looks at it.
        """
        embedded = self._words.run({"input_ids": np.array([[row.ids[-1]] for row in rows], dtype=np.int64)})
        (value,) = embedded.values()
        feeds = self._decoder.typed({"inputs_embeds": value}) | {"use_cache_branch": np.array([not first])}
        found = self._decoder.run_kept(feeds | about | caches)
        for name, kept in found.items():
            if name.startswith(PRESENT) and (first or ".decoder." in name):
                caches[name.replace(PRESENT, PAST)] = kept
        return np.array(found["logits"].numpy()[:, -1], dtype=np.float32)

    def _empty(self, name: str, rows: int) -> Array:
        """Nothing was computed yet."""
        _, heads, _, width = self._decoder.inputs[name].shape
        return self._decoder.typed({name: np.zeros((rows, heads, 0, width), dtype=np.float32)})[name]


def _likeliest(scores: Scores, row: Row) -> int:
    scores[row.barred()] = -np.inf
    return int(scores.argmax())
