"""Probes that a recipe declares: sends each request, and checks the answer against what is expected."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, Protocol

import jmespath
import requests

from bakehouse.engine.container import Finished
from bakehouse.formatting import size_in_bytes
from bakehouse.model.cases import Case, Expected, ExpectedValue, HttpRequest, Scalar, Upload
from bakehouse.model.suite import Subject
from bakehouse.probes import ProbeFailed

Run = Callable[[tuple[str, ...]], Finished]
"""Runs a program of the image, with its arguments, to its end."""

SHOWN = 300
"""Characters of an answer that a message repeats."""


class Answered(Protocol):
    """An answer, as far as it is held against what is expected: one of `requests`, or of the load client."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case."""

    @property
    def text(self) -> str: ...

    def json(self) -> Any:
        """Raises ValueError."""


_PAUSE = 1.0
WORD = "word "
_LONG = re.compile(r"^\{([1-9][0-9]{0,6}) characters\}$")


def facts_of(subject: Subject) -> dict[str, str]:
    """What `{version}` and others in expected texts stand for."""
    return {"version": subject.version, "cell": subject.cell, "accelerator": subject.accelerator}


def asks(
    case: Case,
    *,
    url: str,
    folder: Path,
    facts: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Send the case's request until the answer is as expected, at most `retries` times more. Returns what came.

    `facts` fill `{version}` and others in the expected texts. Raises ProbeFailed with each thing that was wrong.
    """
    assert case.http is not None
    for left in range(case.retries, -1, -1):
        wrong, said = _try(case.http, case.expect, url=url, folder=folder, timeout=case.timeout, facts=facts)
        if not wrong:
            return said
        if left:
            sleep(_PAUSE)
    raise ProbeFailed(f"{case.http.method} {case.http.path}: {'; '.join(wrong)}\nit answered: {said}")


def runs(case: Case, run: Run, *, facts: Mapping[str, str]) -> str:
    """Run the case's command. Returns the last line that it printed."""
    assert case.exec is not None
    done = run(case.exec)
    wrong = list(_wrong_text(case.expect, done.output, facts))
    if done.exit_code != case.expect.exit_code:
        wrong.append(f"it ended with status {done.exit_code}, expected {case.expect.exit_code}")
    if wrong:
        raise ProbeFailed(f"{' '.join(case.exec)}: {'; '.join(wrong)}\nit printed: {_short(done.output)}")
    return (done.output.strip().splitlines() or ["it printed nothing"])[-1]


def _try(
    asked: HttpRequest, expect: Expected, *, url: str, folder: Path, timeout: float, facts: Mapping[str, str]
) -> tuple[list[str], str]:
    data, headers = body_of(asked, folder)
    try:
        answer = requests.request(asked.method, url + asked.path, data=data, headers=headers, timeout=timeout)
    except requests.RequestException as error:
        return [f"no answer: {type(error).__name__}"], f"{error}"
    return list(wrong_with(answer, expect, facts)), f"{answer.status_code} {_short(answer.text)}"


def body_of(asked: HttpRequest, folder: Path) -> tuple[bytes | None, dict[str, str]]:
    """What is sent, and its headers. Raises ProbeFailed for a file that is not there."""
    headers = dict(asked.headers)
    match asked:
        case HttpRequest(file=str(name)):
            data: bytes | None = contents(folder, name)
        case HttpRequest(form=form) if form:
            data, kind = _form(form, folder)
            headers.setdefault("Content-Type", kind)
        case HttpRequest(body=None):
            data = None
        case HttpRequest(body=str(text)):
            data = text.encode()
        case _:
            data = json.dumps(lengthened(asked.body)).encode()
            headers.setdefault("Content-Type", "application/json")
    if asked.padding:
        data = (data or b"") + b" " * size_in_bytes(asked.padding)
    return data, headers


def lengthened(value: Any) -> Any:
    """JSON whose texts `{100000 characters}` are words of that length: nobody wants them in a file."""
    match value:
        case str():
            found = _LONG.match(value)
            return (WORD * (int(found[1]) // len(WORD) + 1))[: int(found[1])] if found else value
        case Mapping():
            return {name: lengthened(one) for name, one in value.items()}
        case list() | tuple():
            return [lengthened(one) for one in value]
        case _:
            return value


def contents(folder: Path, name: str) -> bytes:
    """A file of the recipe's folder. Raises ProbeFailed."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise ProbeFailed(f"{folder / name} is a link that leads out of the recipe's folder")
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ProbeFailed(f"cannot read {folder / name}: {error.strerror}") from None


def _form(form: Mapping[str, str | Upload], folder: Path) -> tuple[bytes, str]:
    """The body and its media type, with the boundary between the fields."""
    files = [
        (name, (PurePath(value.file).name, contents(folder, value.file), value.type))
        if isinstance(value, Upload)
        else (name, (None, value.encode(), None))
        for name, value in form.items()
    ]
    sent = requests.Request("POST", "http://nowhere", files=files).prepare()
    assert isinstance(sent.body, bytes)
    return sent.body, sent.headers["Content-Type"]


def wrong_with(answer: Answered, expect: Expected, facts: Mapping[str, str]) -> Iterator[str]:
    """Each thing that is not as expected."""
    wanted = (expect.status,) if isinstance(expect.status, int) else expect.status
    if answer.status_code not in wanted:
        yield f"status {answer.status_code}, expected {' or '.join(map(str, wanted))}"
    for name, pattern in expect.headers.items():
        found = answer.headers.get(name)
        if found is None:
            yield f"no header {name}"
        elif not re.search(_filled(pattern, facts), found):
            yield f"header {name} is {found!r}, expected {_filled(pattern, facts)!r} in it"
    yield from _wrong_text(expect, answer.text, facts)
    if expect.values:
        yield from _wrong_json(answer, expect.values, facts)


def _wrong_json(
    answer: Answered, values: Mapping[str, ExpectedValue | Scalar], facts: Mapping[str, str]
) -> Iterator[str]:
    try:
        document = answer.json()
    except ValueError:
        yield "the answer is no JSON"
        return
    for expression, wanted in values.items():
        try:
            found = jmespath.search(expression, document)
        except jmespath.exceptions.JMESPathError as error:
            yield f"{expression}: {str(error).splitlines()[0]}"
            continue
        rule = wanted if isinstance(wanted, ExpectedValue) else ExpectedValue(equals=_filled(wanted, facts))
        yield from (f"{expression} {what}" for what in _wrong_value(found, rule, facts))


def _wrong_value(found: Any, rule: ExpectedValue, facts: Mapping[str, str]) -> Iterator[str]:
    shown = _short(json.dumps(found))
    if "equals" in rule.model_fields_set and not _equal(found, rule.equals):
        yield f"is {shown}, expected {json.dumps(rule.equals)}"
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if rule.min is not None and not (number and found >= rule.min):
        yield f"is {shown}, expected at least {rule.min:g}"
    if rule.max is not None and not (number and found <= rule.max):
        yield f"is {shown}, expected at most {rule.max:g}"
    if rule.matches is not None:
        pattern = _filled(rule.matches, facts)
        if not (isinstance(found, str) and re.search(pattern, found)):
            yield f"is {shown}, expected {pattern!r} in it"
    if rule.length is not None:
        length = len(found) if isinstance(found, str | list | dict) else None
        if length != rule.length:
            yield f"has {'no length' if length is None else f'length {length}'}, expected {rule.length}"


def _equal(found: Any, wanted: Any) -> bool:
    """As JSON has it: true is no 1, and a tuple of the file is a list."""
    return json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True) or (
        type(found) in (int, float) and type(wanted) in (int, float) and found == wanted
    )


def _wrong_text(expect: Expected, text: str, facts: Mapping[str, str]) -> Iterator[str]:
    if expect.text is not None and not re.search(_filled(expect.text, facts), text):
        yield f"{_filled(expect.text, facts)!r} is not in it"


def _filled(text: Any, facts: Mapping[str, str]) -> Any:
    """With `{version}` and the others in a text. A regular expression's own braces stay."""
    if not isinstance(text, str):
        return text
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
