"""Which packages the commands of a stage install and remove, by whatever package manager."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bakehouse.lint.command import Command
from bakehouse.lint.settings import Word

_ADDS = {
    "apt-get": ("install", "build-dep"),
    "apt": ("install",),
    "aptitude": ("install",),
    "apk": ("add",),
    "dnf": ("install", "groupinstall", "localinstall"),
    "dnf5": ("install",),
    "yum": ("install", "groupinstall", "localinstall"),
    "microdnf": ("install",),
    "tdnf": ("install",),
    "zypper": ("install", "in"),
    "pip": ("install",),
    "pip3": ("install",),
    "uv": ("install",),
}
_TAKES = {
    "apt-get": ("remove", "purge"),
    "apt": ("remove", "purge"),
    "apk": ("del",),
    "dnf": ("remove", "erase"),
    "yum": ("remove", "erase"),
    "microdnf": ("remove",),
    "zypper": ("remove", "rm"),
}
_WITH_VALUE = frozenset(
    {"-o", "-t", "-c", "--target-release", "--virtual", "--repository", "-X", "--installroot", "--root", "-p"}
    | {
        "--releasever",
        "--setopt",
        "-r",
        "--index-url",
        "--extra-index-url",
        "--prefix",
        "--target",
        "-i",
        "-f",
        "--python",
    }
)
_OTHER_MANAGERS = frozenset(
    {"conda", "mamba", "micromamba", "spack", "nix-env", "nix", "brew", "vcpkg", "snap", "pixi"}
)
_FILE = re.compile(r"(?P<name>[A-Za-z0-9.+-]+?)(?:[_-][0-9v%$*{].*)?\.d?(?:deb|rpm|apk)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """One package."""

    name: str
    """Without version and architecture."""
    word: Word
    recommends: bool = True
    """Whether what it recommends comes along."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packages:
    """What is installed after all commands of a stage."""

    installed: tuple[Installation, ...]
    removed: frozenset[str]
    unread: tuple[Word, ...]
    """Words that stand for packages whose names are not known."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.installed)


def read_packages(commands: Iterable[Command]) -> Packages:
    """In the order of the commands: what is removed again is not there."""
    installed: dict[str, Installation] = {}
    removed: set[str] = set()
    groups: dict[str, list[str]] = {}
    unread: list[Word] = []
    for command in commands:
        verb, words = _verb(command)
        if command.program in _OTHER_MANAGERS and verb:
            unread.append(command.words[0])
        elif command.program == "pacman" and verb.startswith("-S"):
            _add(words, installed, unread, recommends=False)
        elif verb in _ADDS.get(command.program, ()):
            recommends = not any("no-install-recommends" in word.text for word in command.words)
            names = _add(words, installed, unread, recommends=recommends)
            removed -= set(names)
            if group := _group(command):
                groups[group] = names
        elif verb in _TAKES.get(command.program, ()):
            for word in words:
                for name in groups.get(word.text, [_plain(word.text)]):
                    installed.pop(name, None)
                    removed.add(name)
        else:
            _add_files(command, installed)
    return Packages(installed=tuple(installed.values()), removed=frozenset(removed), unread=tuple(unread))


def is_package_manager(program: str) -> bool:
    return program in _ADDS or program in _OTHER_MANAGERS or program == "pacman"


def _verb(command: Command) -> tuple[str, list[Word]]:
    """The manager's own command, and what follows it without options."""
    found: list[Word] = []
    verb, skip = "", False
    for word in command.words[1:]:
        if skip:
            skip = False
        elif word.text in _WITH_VALUE and command.program != "pacman":
            skip = True
        elif command.program == "pacman" and word.text.startswith("-S") and not verb:
            verb = word.text
        elif word.text.startswith("-"):
            continue
        elif not verb or (command.program == "uv" and verb == "pip"):
            verb = word.text
        else:
            found.append(word)
    return verb, found


def _add(
    words: Iterable[Word], installed: dict[str, Installation], unread: list[Word], *, recommends: bool
) -> list[str]:
    names = []
    for word in words:
        if word.text.startswith((">", "<", "2>", "|")):
            break
        file = _FILE.fullmatch(word.text.rpartition("/")[2])
        if not word.complete or (file is None and word.text.startswith(("./", "/", "http", "git+"))):
            unread.append(word)
        if file is not None:
            unread.append(word)
        name = file["name"] if file else _plain(word.text)
        installed[name] = Installation(name=name, word=word, recommends=recommends)
        names.append(name)
    return names


def _add_files(command: Command, installed: dict[str, Installation]) -> None:
    """Packages that come as files: fetched by one command and installed by another."""
    for word in command.words[1:]:
        if found := _FILE.fullmatch(word.text.rstrip("'\"").rpartition("/")[2]):
            installed.setdefault(found["name"], Installation(name=found["name"], word=word))


def _group(command: Command) -> str | None:
    """apk: a name for all of them, by which they are removed again."""
    words: Iterator[Word] = iter(command.words)
    for word in words:
        if word.text in ("--virtual", "-t") and command.program == "apk":
            return next(words).text
        if word.text.startswith("--virtual="):
            return word.text.partition("=")[2]
    return None


def _plain(text: str) -> str:
    """`libgomp1=12.2.0-14`, `cmake/bookworm-backports`, `libc6:arm64`, `torch==2.4`, `numpy[all]>=1`"""
    return re.split(r"[=<>~!\[:]|(?<=[a-z0-9])/", text, maxsplit=1)[0] if not text.startswith("@") else text
