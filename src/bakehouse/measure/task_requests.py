"""From a task that a recipe declares to the bytes of its requests, each with the next inputs in turn."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import mimetypes
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import requests

from bakehouse.measure import prompt_text
from bakehouse.measure.loadgen.exchange import Address
from bakehouse.model.work import BATCH, FILE, INPUT, INPUTS, Inputs, Task


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """An input that is a file."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def __str__(self) -> str:
        return base64.b64encode(self.content).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, ready to be sent."""

    data: bytes
    inputs: int


@dataclass(kw_only=True, slots=True)
class Calls:
    """Makes the requests of one task. Inputs are taken in turn, without end."""

    task: Task
    address: Address
    inputs: Iterator[Any]
    _made: dict[tuple[int, ...], bytes] = field(default_factory=dict)
    """By the identity of their inputs, where those come again."""

    def make(self, count: int, *, batch: int) -> list[Call]:
        return [self._one([next(self.inputs) for _ in range(batch)]) for _ in range(count)]

    def _one(self, batch: Sequence[Any]) -> Call:
        if self.task.inputs.sentences:  # never the same twice
            return Call(data=request(self.task, batch, self.address), inputs=len(batch))
        key = tuple(map(id, batch))
        if key not in self._made:
            self._made[key] = request(self.task, batch, self.address)
        return Call(data=self._made[key], inputs=len(batch))


def inputs_of(asked: Inputs, *, read: Callable[[str], bytes], chance: random.Random) -> Iterator[Any]:
    """Without end: values and files in turn, sentences as chance has them. `read`: a file of the recipe's folder."""
    if asked.sentences:
        words = asked.sentences
        return (prompt_text.passage(chance, words=words) for _ in itertools.count())
    if asked.files:
        return itertools.cycle([File(name=PurePosixPath(name).name, content=read(name)) for name in asked.files])
    return itertools.cycle(asked.values or ())


def request(task: Task, batch: Sequence[Any], address: Address) -> bytes:
    """A whole HTTP request about a batch of inputs."""
    asked = task.http
    kind, body = _body(task, batch)
    headers = {"Content-Type": kind} | dict(asked.headers) if kind else dict(asked.headers)
    return address.request(asked.method, asked.path, body, headers=headers)


def fingerprint(inputs: Inputs, *, read: Callable[[str], bytes]) -> str:
    """What two measurements must have in common of their inputs."""
    told = hashlib.sha256(inputs.model_dump_json(exclude_none=True).encode())
    for name in inputs.files or ():
        told.update(hashlib.sha256(read(name)).digest())
    return told.hexdigest()[:16]


def filled(template: Any, batch: Sequence[Any], item: Any = None) -> Any:
    """The template with the batch's inputs in it. `item`: what stands for one of them in {inputs}."""
    match template:
        case str():
            return _filled_text(template, batch, item)
        case Mapping():
            return {key: filled(value, batch, item) for key, value in template.items()}
        case list() | tuple():
            return [filled(value, batch, item) for value in template]
        case _:
            return template


def _filled_text(template: str, batch: Sequence[Any], item: Any) -> Any:
    """A placeholder alone becomes what it stands for, of any kind; inside a text it becomes text."""
    whole: dict[str, Callable[[], Any]] = {
        INPUT: lambda: _plain(batch[0]),
        INPUTS: lambda: [_plain(one) if item is None else filled(item, [one]) for one in batch],
        BATCH: lambda: len(batch),
    }
    if template in whole:
        return whole[template]()
    return template.replace(INPUT, str(batch[0])).replace(BATCH, str(len(batch)))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, File) else value


def _body(task: Task, batch: Sequence[Any]) -> tuple[str, bytes]:
    """Media type and content."""
    asked, first = task.http, batch[0]
    if asked.form is not None:
        return _form(asked.form, batch)
    if asked.body is None:
        return (first.media_type, first.content) if isinstance(first, File) else ("", b"")
    body = filled(asked.body, batch, task.item)
    if isinstance(body, str):
        return "text/plain; charset=utf-8", body.encode()
    return "application/json", json.dumps(body).encode()


def _form(form: Mapping[str, str], batch: Sequence[Any]) -> tuple[str, bytes]:
    parts: list[tuple[str, tuple[str | None, bytes, str | None]]] = []
    for name, value in form.items():
        if value == FILE:
            parts += [(name, (one.name, one.content, one.media_type)) for one in batch]
        else:
            parts.append((name, (None, str(filled(value, batch)).encode(), None)))
    sent = requests.Request("POST", "http://localhost", files=parts).prepare()
    assert isinstance(sent.body, bytes)
    return sent.headers["Content-Type"], sent.body
