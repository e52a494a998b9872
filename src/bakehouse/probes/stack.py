"""Probes of a whole stack: requests in a row, where a later one may hold what an earlier one was answered."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jmespath
import requests

from bakehouse.model.cases import HttpRequest
from bakehouse.model.stack import StackProbe, StackStep
from bakehouse.probes import ProbeFailed
from bakehouse.probes.cases import body_of, wrong_with

SHOWN = 300
_GIST = 100
"""Characters of an answer that was right."""
Where = Callable[[str], tuple[str, Mapping[str, str]]]
"""Service to its address and to headers that it wants: a key."""


def run_probe(probe: StackProbe, where: Where, *, folder: Path) -> str:
    """Send each step. Returns what came last. Raises ProbeFailed with the step and what was wrong."""
    facts: dict[str, str] = {}
    said = ""
    for number, step in enumerate(probe.steps, start=1):
        try:
            said = _step(step, where, facts, folder=folder)
        except ProbeFailed as error:
            raise ProbeFailed(f"step {number}, to {step.to}: {error}") from None
    return said


def _step(step: StackStep, where: Where, facts: dict[str, str], *, folder: Path) -> str:
    url, wanted = where(step.to)
    asked = filled(step.http, facts)
    data, headers = body_of(asked, folder)
    began = time.monotonic()
    try:
        with requests.request(
            asked.method,
            url + asked.path,
            data=data,
            headers={**headers, **wanted},
            timeout=step.timeout,
            stream=step.stream,
        ) as answer:
            text = _streamed(answer) if step.stream and answer.ok else answer.text
    except requests.RequestException as error:
        raise ProbeFailed(f"{asked.method} {asked.path}: no answer: {error}") from None
    wrong = list(wrong_with(answer, step.expect, facts)) if not (step.stream and answer.ok) else []
    if wrong:
        raise ProbeFailed(f"{asked.method} {asked.path}: {'; '.join(wrong)}\nit answered: {_short(text)}")
    for name, expression in step.take.items():
        facts[name] = _taken(answer, expression)
    return f"{answer.status_code} after {time.monotonic() - began:.2f} s: {gist(text)}"


def _streamed(answer: requests.Response) -> str:
    """Text of a chat's chunks. Raises ProbeFailed where it did not come in pieces, or broke off."""
    pieces: list[str] = []
    ended = False
    for line in answer.iter_lines(decode_unicode=True):
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            ended = True
            break
        choices = json.loads(data).get("choices") or [{}]
        pieces.append((choices[0].get("delta") or {}).get("content") or "")
    if not ended:
        raise ProbeFailed(f"the stream ended after {len(pieces)} pieces without [DONE]")
    if len([piece for piece in pieces if piece]) < 2:  # noqa: PLR2004 - one piece is no stream
        raise ProbeFailed(f"the answer came in one piece: {_short(''.join(pieces))}")
    return "".join(pieces)


def _taken(answer: requests.Response, expression: str) -> str:
    """What an expression finds in the answer, as text."""
    try:
        found = jmespath.search(expression, answer.json())
    except ValueError:
        raise ProbeFailed(f"the answer is no JSON: {_short(answer.text)}") from None
    if found is None:
        raise ProbeFailed(f"{expression} finds nothing in the answer: {_short(answer.text)}")
    return found if isinstance(found, str) else json.dumps(found)


def filled(asked: HttpRequest, facts: Mapping[str, str]) -> HttpRequest:
    """The same request with `{NAME}` in its body or its form's fields replaced. In JSON it is replaced inside of texts
    only, so that what an answer held cannot change the body's structure.
    """
    if not facts:
        return asked
    form = {name: _filled(value, facts) if isinstance(value, str) else value for name, value in asked.form.items()}
    return asked.model_copy(update={"body": _filled(asked.body, facts), "form": form})


def _filled(value: Any, facts: Mapping[str, str]) -> Any:
    match value:
        case str():
            for name, found in facts.items():
                value = value.replace(f"{{{name}}}", found)
            return value
        case Mapping():
            return {key: _filled(item, facts) for key, item in value.items()}
        case list() | tuple():
            return [_filled(item, facts) for item in value]
        case _:
            return value


def gist(text: str) -> str:
    """What a language model wrote, or how an answer begins, in a line."""
    with contextlib.suppress(ValueError, jmespath.exceptions.JMESPathError):
        text = jmespath.search("choices[0].[message.content, text][]|[0]", json.loads(text)) or text
    return _short(" ".join(str(text).split()), most=_GIST)


def _short(text: str, *, most: int = SHOWN) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
