"""What is known about options beyond their names: which are gone and since when, which do harm, what to write instead.

The facts are data, `knowledge.yaml`. Whether an option exists is never one of them: that is asked of the pinned tree,
and a fact that says `gone` is silent about a tree that still has the option.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.errors import Where
from bakehouse.lint.cmake_names import is_false, is_true
from bakehouse.lint.finding import ALWAYS, Finding, Severity
from bakehouse.model.field_types import Link, Model, Text

FILE = "knowledge.yaml"

Problem = Literal[
    "gone", "never existed", "ignored", "deprecated", "breaks", "harmful", "wasteful", "default", "remember"
]

SEVERITIES: dict[Problem, Severity] = {
    "gone": Severity.ERROR,
    "never existed": Severity.ERROR,
    "ignored": Severity.ERROR,
    "breaks": Severity.ERROR,
    "deprecated": Severity.WARNING,
    "harmful": Severity.WARNING,
    "wasteful": Severity.WARNING,
    "default": Severity.NOTE,
    "remember": Severity.NOTE,
}

WORDS: dict[Problem, str] = {
    "gone": "no longer exists",
    "never existed": "never existed",
    "ignored": "has no effect",
    "breaks": "breaks the image",
    "deprecated": "is deprecated",
    "harmful": "does harm in an image",
    "wasteful": "costs something for nothing",
    "default": "is the default",
    "remember": "is worth a thought",
}

ABSENT = frozenset({"gone", "never existed"})
"""Problems of options that a tree does not have."""
ABOUT_A_REVISION = ABSENT | {"ignored", "breaks"}
_OWN = re.compile(r"GGML_|LLAMA_|-")


class Fact(Model):
    """One thing that is known about some names."""

    names: Annotated[tuple[Text, ...], Field(min_length=1)]
    """May hold `*`."""
    problem: Problem
    values: tuple[str, ...] = ()
    """Only with one of these values; `on` and `off` stand for all their spellings, and any may hold `*`."""
    where: Literal["build", "image", "anywhere"] = "anywhere"
    """In stages that build, or in the image itself; of options, `image` is for builds that other machines run."""
    why: Text
    instead: Text | None = None
    since: Text | None = None
    since_build: int | None = None
    """A build number from which on it is so for certain; may be somewhat later than the change itself."""
    link: Link | None = None
    severity: Annotated[Severity, Field(strict=False)] | None = None
    """Where it is another one than its problem usually has."""

    @property
    def rank(self) -> Severity:
        return self.severity or SEVERITIES[self.problem]

    @property
    def what(self) -> str:
        return f"{WORDS[self.problem]}{f' since {self.since}' if self.since else ''}"

    @property
    def _is_about_a_revision(self) -> bool:
        return self.problem in ABOUT_A_REVISION and any(_OWN.match(name) for name in self.names)

    def told(self, where: Where, subject: str) -> Finding:
        """The finding where the name was written, and how."""
        return Finding(
            severity=self.rank,
            where=where,
            subject=subject,
            what=self.what,
            why=self.why,
            instead=(self.instead or "").replace("{value}", subject.partition("=")[2] or "VALUE"),
            link=self.link,
            by_revision=self.since_build is not None or self._is_about_a_revision,
            since_build=ALWAYS if self.since_build is None and self.problem == "never existed" else self.since_build,
        )

    def concerns(self, name: str, value: str | None = None) -> bool:
        if not _is_one_of(name, self.names):
            return False
        return not self.values or (value is not None and any(_is(value, one) for one in self.values))


@functools.lru_cache(maxsize=1 << 14)
def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    """A matrix writes the same few options in each of its cells."""
    return name in patterns or any("*" in pattern and fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


class Meaning(Model):
    """A backend, and what it has been called: by older revisions, by its libraries, by people."""

    words: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Without prefix."""
    option: Text
    """The option that switches it on."""
    beside: dict[Text, Text] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    """By word: what has to be set beside it to say the same."""


class Program(Model):
    """A program that goes by another name today."""

    old: Text
    new: Text


class Knowledge(Model):
    """`knowledge.yaml`, by the kind of thing that a fact is about."""

    cmake: tuple[Fact, ...] = ()
    arguments: tuple[Fact, ...] = ()
    environment: tuple[Fact, ...] = ()
    packages: tuple[Fact, ...] = ()
    images: tuple[Fact, ...] = ()
    """By reference, `nvidia/cuda:*`."""
    backends: tuple[Meaning, ...] = ()
    programs: tuple[Program, ...] = ()


def _is(value: str, wanted: str) -> bool:
    if wanted == "on":
        return is_true(value)
    if wanted == "off":
        return is_false(value)
    return fnmatch.fnmatchcase(value, wanted)


@functools.cache
def load_knowledge() -> Knowledge:
    """What comes with bakehouse."""
    text = resources.files("bakehouse.servers.llama_cpp.lint").joinpath(FILE).read_text(encoding="utf-8")
    return validate(parse(text, file=FILE), Knowledge)
