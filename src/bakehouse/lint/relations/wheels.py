"""Facts of Python's wheels (`wheels.yaml`), and what the commands of a stage install with pip."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.lint.command import Command
from bakehouse.lint.settings import Word
from bakehouse.model.field_types import Model, Text

FILE = "wheels.yaml"
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<extras>\[[^\]]*\])?\s*(?P<rest>(?:[<>=!~].*)?)", re.DOTALL
)
_VERSION = re.compile(r"(?P<sign>==|~=|>=|<=|<|>|!=)\s*(?P<version>[0-9][0-9A-Za-z.+*-]*)")
_INDEX = re.compile(r"download\.pytorch\.org/whl/(?:test/|nightly/)?(?P<name>cpu|cu[0-9]+|rocm[0-9.]+|xpu)")


class Package(Model):
    python: dict[Text, Text] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    musl: bool = True
    numpy2: Text | None = None
    """The first release that NumPy 2 does not break."""


class Index(Model):
    first: Text
    last: Text | None = None


class Compiled(Model):
    often_prebuilt: bool = False


class Wheels(Model):
    packages: dict[Text, Package]
    torch_indexes: dict[Text, Index]
    torch_cuda: dict[Text, Text]
    compiled: dict[Text, Compiled]


@functools.cache
def load_wheels() -> Wheels:
    text = resources.files("bakehouse.lint.relations").joinpath(FILE).read_text(encoding="utf-8")
    return validate(parse(text, file=FILE), Wheels)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One package that a command asks for."""

    name: str
    """In lower case, with hyphens."""
    word: Word
    command: Command
    index: str | None
    """Of PyTorch's own indexes: `cu121`, `cpu`."""
    versions: tuple[tuple[str, str], ...] = ()
    """`>=`, `2.0`."""
    extras: str = ""

    @property
    def pinned(self) -> str | None:
        return next((version for sign, version in self.versions if sign in ("==", "~=")), None)

    @property
    def below(self) -> str | None:
        return next((version for sign, version in self.versions if sign in ("<", "<=")), None)


def numbers(version: str) -> tuple[int, ...]:
    """`2.4.0+cu121` to (2, 4, 0)."""
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def requirements(commands: Iterable[Command]) -> Iterator[Requirement]:
    for command in commands:
        words = _installs(command)
        if words:
            index = next((found["name"] for word in command.words if (found := _INDEX.search(word.text))), None)
            yield from _read(words, command, index)


def _installs(command: Command) -> tuple[Word, ...]:
    """The words after `pip install`, `python -m pip install`, `uv pip install`."""
    texts = [word.text for word in command.words[:6]]
    if command.program in ("pip", "pip3") or "pip" in texts[1:4]:
        at = texts.index("install") if "install" in texts else -1
        return command.words[at + 1 :] if at > 0 else ()
    return ()


_WITH_VALUE = (
    "-r",
    "-c",
    "-i",
    "-f",
    "-e",
    "-t",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--target",
    "--no-binary",
    "--only-binary",
)


def _read(words: tuple[Word, ...], command: Command, index: str | None) -> Iterator[Requirement]:
    before = ""
    for word in words:
        if not word.text.startswith("-") and before not in _WITH_VALUE and (found := _REQUIREMENT.fullmatch(word.text)):
            yield Requirement(
                name=found["name"].lower().replace("_", "-"),
                word=word,
                command=command,
                index=index,
                versions=tuple((one["sign"], one["version"]) for one in _VERSION.finditer(found["rest"])),
                extras=found["extras"] or "",
            )
        before = word.text
