"""Workloads, as data. Rates have the names that benchmarks of models use: pp for prompts, tg for answers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from bakehouse.model import suite
from bakehouse.model.recipe import Arrivals, Chat, Load, LongContext, Sweep

SEED = 1
TOKENS_PER_WORD = 2
"""English has about 1.3 in most vocabularies; 2 is safe."""
BYTES_PER_WORD = 7
"""Tokens of a word where each byte is one; ours have 6 with the space before it."""
_BESIDE = 64
"""Words that a prompt may have beside those asked for: the end of a sentence, a question, the chat's template."""


class Api(StrEnum):
    """Where a request goes: the path."""

    COMPLETION = "/completion"
    """Answers with the server's own timings."""
    COMPLETIONS = "/v1/completions"
    CHAT = "/v1/chat/completions"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request for a number of tokens: greedy, nothing cached, no early end."""

    prompt: tuple[int, ...] | str
    """Token ids, so that no tokenizer changes the count; or text. A chat takes text only."""
    output_tokens: int
    api: Api = Api.COMPLETION
    model: str = ""
    """What the server calls its model; OpenAI-compatible servers want to be told."""
    streamed: bool = True

    @property
    def prompt_tokens(self) -> int | None:
        """How many the server must count; None where its tokenizer decides."""
        return None if isinstance(self.prompt, str) else len(self.prompt)

    def body(self) -> dict[str, Any]:
        """What is sent, as JSON. Each server takes the words that it knows and leaves the others."""
        prompt = self.prompt if isinstance(self.prompt, str) else list(self.prompt)
        common: dict[str, Any] = {"model": self.model} if self.model else {}
        common |= {"stream": self.streamed, "cache_prompt": False, "ignore_eos": True, "temperature": 0, "seed": SEED}
        if self.api is Api.COMPLETION:
            return {"prompt": prompt, "n_predict": self.output_tokens} | common
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}]}
        if self.api is Api.COMPLETIONS:
            asked = {"prompt": prompt}
        return {
            **asked,
            "max_tokens": self.output_tokens,
            "min_tokens": self.output_tokens,  # vLLM stops at a stop word in spite of ignore_eos
            "stream_options": {"include_usage": True},
            **common,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenWorkload:
    """`pp512`: a long prompt and one token. `tg128`: a prompt of one token and a long answer."""

    name: str
    prompt_tokens: int
    output_tokens: int

    def request(self, *, random_ids: random.Random, vocabulary: int) -> Request:
        """Build a fresh request: random ids from the start on, so that no cache can hold a prefix of it."""
        return Request(
            prompt=tuple(random_ids.randrange(vocabulary) for _ in range(self.prompt_tokens)),
            output_tokens=self.output_tokens,
        )


def prompt_rate(asked: suite.Workload) -> TokenWorkload:
    return TokenWorkload(name=f"pp{asked.prompt_tokens}", prompt_tokens=asked.prompt_tokens, output_tokens=1)


def decode_rate(asked: suite.Workload) -> TokenWorkload:
    return TokenWorkload(name=f"tg{asked.output_tokens}", prompt_tokens=1, output_tokens=asked.output_tokens)


def slots(asked: Load) -> int:
    """Requests that the server must be able to work on at the same time."""
    match asked:
        case Chat():
            return asked.users
        case Sweep():
            return max(asked.users)
        case Arrivals():
            return asked.slots
        case LongContext():
            return 1
        case _:
            assert_never(asked)


def context(asked: Load, *, tokens_per_word: int = TOKENS_PER_WORD) -> int:
    """Tokens that one request may take."""
    longest = math.ceil(asked.output_tokens * (1 + (asked.spread if isinstance(asked, Chat) else 0)))
    return tokens_per_word * (asked.prompt_words + _BESIDE) + longest


def context_size(
    asked: suite.Workload, *, load: Load | None = None, room: int = 0, tokens_per_word: int = TOKENS_PER_WORD
) -> int:
    """Tokens of context that a server needs, all its slots together.

    For pp and tg there is one slot, whose context holds the longest request and no more than 64 tokens beside it, as
    a benchmark program has it; or `room` tokens where longer ones may be asked than the recipe says. For a load there
    are as many slots as it needs.
    """
    longest = (
        context(load, tokens_per_word=tokens_per_word)
        if load
        else max(room, asked.prompt_tokens + asked.output_tokens + 64)
    )
    return (slots(load) if load else 1) * -(-longest // 256) * 256
