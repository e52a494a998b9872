"""How long prompts and answers must be, so that their rates can be measured.

A request costs a millisecond or two apart from its tokens, and clocks and counters of a card are as coarse. A prompt of
512 tokens takes 10 ms on a fast card. So a first try says how long one takes, and longer ones are measured beside those
that are asked for, until a sample lasts long enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from bakehouse.measure.loadgen import workloads
from bakehouse.measure.loadgen.workloads import TokenWorkload
from bakehouse.model import suite
from bakehouse.model.report import Measurement

LEAST = 0.2
"""Seconds that a sample lasts at least, where the context allows it. From there on server and benchmark program
agreed within 1 % on an H200."""
_AIM = 1.5
"""Times LEAST that is aimed at: a length that lasts just long enough today would be another one tomorrow."""
_NAME = re.compile(r"(pp|tg)(\d+)")


@dataclass(kw_only=True, slots=True)
class Lengths:
    """Of one measurement: the same in all starts and for both images of a comparison, or nothing could be compared."""

    asked: suite.Workload
    context: int
    """Tokens that the server holds for one request."""
    longer: dict[str, TokenWorkload] = field(default_factory=dict)
    """By the name of a workload that is asked for: what is measured in its stead. Itself where it lasts long enough."""

    @property
    def wanted(self) -> tuple[TokenWorkload, TokenWorkload]:
        """Pp and tg as they are asked for."""
        return workloads.prompt_rate(self.asked), workloads.decode_rate(self.asked)

    @property
    def all(self) -> list[TokenWorkload]:
        """Each that is asked for, and after it what is measured in its stead."""
        found = {each.name: each for one in self.wanted for each in (one, self.longer.get(one.name, one))}
        return list(found.values())

    def is_short(self, name: str) -> bool:
        """Whether another workload is measured in its stead."""
        return name in self.longer and self.longer[name].name != name

    def recall(self, names: Iterable[str]) -> None:
        """Take the lengths from samples of an earlier attempt at the same run."""
        known = [(found[1], int(found[2])) for name in names if (found := _NAME.fullmatch(name))]
        for one in self.wanted:
            tokens = [number for kind, number in known if one.name.startswith(kind)]
            if tokens and one.name not in self.longer:
                self.longer[one.name] = _of_length(one, max(tokens))

    def choose(self, asked: TokenWorkload, ask: Callable[[TokenWorkload], float | None]) -> None:
        """Find what is measured in a workload's stead. `ask`: seconds that one of them takes; None: unknown."""
        one, most = asked, self.context - min(asked.prompt_tokens, asked.output_tokens)
        while (lasted := ask(one)) is not None and lasted < LEAST:
            tokens = lengthened(_tokens(one), lasted, most=most)
            if tokens == _tokens(one):
                break
            one = _of_length(one, tokens)
        self.longer[asked.name] = one

    def described(self, measurement: Measurement) -> Measurement:
        """The same with its own length among its settings, and marked where it is short."""
        found = {one.name: one for one in self.all}.get(measurement.workload)
        if found is None:
            return measurement
        key = "output_tokens" if found.output_tokens > 1 else "prompt_tokens"
        settings = measurement.settings | ({key: _tokens(found)} if key in measurement.settings else {})
        return measurement.model_copy(update={"settings": settings, "short": self.is_short(found.name)})


def lengthened(tokens: int, lasted: float, *, most: int) -> int:
    """The power of two that lasts long enough at this speed, `most` tokens at most; no shorter than it is."""
    limit = 1 << max(0, most.bit_length() - 1)
    needed = tokens * _AIM * LEAST / lasted if lasted > 0 else limit
    if needed >= limit:
        return max(tokens, limit)
    return max(tokens, min(limit, 1 << (int(max(needed, tokens + 1)) - 1).bit_length()))


def _tokens(workload: TokenWorkload) -> int:
    return workload.output_tokens if workload.output_tokens > 1 else workload.prompt_tokens


def _of_length(workload: TokenWorkload, tokens: int) -> TokenWorkload:
    if workload.output_tokens > 1:
        return replace(workload, name=f"tg{tokens}", output_tokens=tokens)
    return replace(workload, name=f"pp{tokens}", prompt_tokens=tokens)
