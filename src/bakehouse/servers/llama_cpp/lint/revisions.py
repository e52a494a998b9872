"""Which revision of llama.cpp a file builds or starts: by its clones, archives, packages and image tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bakehouse.lint.command import Command
from bakehouse.lint.settings import Word

UPSTREAM_OWNERS: Final = frozenset({"ggml-org", "ggerganov"})
_RELATIVES = re.compile(r"llama[._-]?cpp|llama\.|whisper\.cpp|stable-diffusion\.cpp|koboldcpp|ollama|llamafile|ggml")
"""Sources that build on ggml: their options are like llama.cpp's, and not the same."""
_WRAPPERS = frozenset(
    {"llama-cpp-python", "node-llama-cpp", "go-llama.cpp", "llama-cpp-rs", "llama-swap", "llama-gguf"}
)
_REPOSITORY = re.compile(
    r"(?:https?://|git://|ssh://git@|git@)[^/:]+[/:](?P<owner>[^/]+)/(?P<name>[^/#@?]+)(?P<rest>.*)"
)
_ARCHIVE = re.compile(
    r"/(?:archive|tarball|zipball|tar\.gz|zip)/(?:refs/(?:tags|heads)/)?(?P<ref>[^/]+?)(?:\.tar\.gz|\.tgz|\.zip)?$"
)
_RELEASE = re.compile(r"/releases/download/(?P<ref>[^/]+)/")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_TAG = re.compile(
    r"(?:refs/tags/|tags/)?(?P<tag>b[0-9]+|v?[0-9]+(?:\.[0-9]+)*[a-z0-9.-]*|master-[0-9a-f]{7,}|gguf-v[0-9.]+)"
)
_BUILD = re.compile(r"b(?P<number>[0-9]+)")
_NEWEST = frozenset({"master", "main", "HEAD", "origin/master", "origin/main", "FETCH_HEAD", "latest", ""})
_FOLLOWING = frozenset({"checkout", "reset", "fetch", "switch", "pull"})


class Kind(Enum):
    PINNED = auto()
    """A commit or a tag."""
    BRANCH = auto()
    """Whatever is newest when it is built."""
    UNKNOWN = auto()
    """A build argument without a default decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One source or image that a file takes from somewhere."""

    address: Word
    """The clone's URL, the archive, the package or the image."""
    ref: Word | None
    """The words that name the revision, where there are any."""
    kind: Kind
    fork: bool = False
    """A relative of llama.cpp, whose options may be other ones."""
    source: bool = True
    """Whether it is fetched as source, and could be pinned by a commit."""
    llama: bool = True
    """Whether it is llama.cpp or a relative; else it is any other clone."""

    @property
    def name(self) -> str:
        return self.ref.text if self.ref else "the default branch"

    @property
    def build(self) -> int | None:
        """Of a tag like b4500; of a release of llama-cpp-python, one that it has reached for certain."""
        found = _BUILD.fullmatch(self.name.rpartition("/")[2])
        if found:
            return int(found["number"])
        return _build_of_package(self.name) if not self.source and _PACKAGE.match(self.address.text) else None

    def is_at(self, commit: str, build: int | None) -> bool:
        """Whether it is the revision whose options are at hand."""
        if self.fork or self.kind is not Kind.PINNED:
            return False
        tag = self.name.rpartition("/")[2].removeprefix("master-")
        return (bool(_COMMIT.fullmatch(tag)) and commit.startswith(tag)) or (build is not None and self.build == build)


def kind_of(ref: Word | None) -> Kind:
    if ref is None:
        return Kind.BRANCH
    if not ref.complete or "$" in ref.text:
        return Kind.UNKNOWN
    return Kind.PINNED if _COMMIT.fullmatch(ref.text) or _TAG.fullmatch(ref.text) else Kind.BRANCH


def is_newest(ref: Word | None) -> bool:
    """Whether a branch is the one that all releases come from."""
    return ref is None or ref.text in _NEWEST


def find_revisions(commands: Sequence[Command], added: Iterable[Word] = ()) -> Iterator[Revision]:
    """From git, downloads and pip among commands that run one after the other, and from addresses that are added."""
    for index, command in enumerate(commands):
        match command.program:
            case "git":
                if found := _cloned(command, commands[index + 1 :]):
                    yield found
            case "curl" | "wget" | "aria2c":
                yield from filter(None, (_archive(word) for word in command.words[1:]))
            case _:
                yield from _packages(command)
    yield from filter(None, (_archive(word) or _git_context(word) for word in added))


# ---------------------------------------------------------------------------------------------- git


def _cloned(command: Command, after: Sequence[Command]) -> Revision | None:
    words = [word.text for word in command.words]
    if not ("clone" in words or ("remote" in words and "add" in words) or ("submodule" in words and "add" in words)):
        return None
    address = next((word for word in command.words if _REPOSITORY.fullmatch(word.text)), None)
    if address is None:
        return None
    ref = _branch(command) or _followed(after)
    return _of_repository(address, ref)


def _of_repository(address: Word, ref: Word | None) -> Revision:
    found = _REPOSITORY.fullmatch(address.text)
    owner, name = (found["owner"], found["name"].removesuffix(".git")) if found else ("", "")
    upstream = owner in UPSTREAM_OWNERS and name == "llama.cpp"
    relative = not upstream and name not in _WRAPPERS and bool(_RELATIVES.search(name.lower()))
    return Revision(address=address, ref=ref, kind=kind_of(ref), fork=relative, llama=upstream or relative)


def is_wrapper(address: str) -> bool:
    """Whether a repository has llama.cpp in it, unchanged."""
    found = _REPOSITORY.fullmatch(address)
    return found is not None and found["name"].removesuffix(".git") in _WRAPPERS


def _branch(command: Command) -> Word | None:
    for index, word in enumerate(command.words):
        name, equals, value = word.text.partition("=")
        if name in ("--branch", "--revision") and equals:
            return Word(text=value, where=word.where, complete=word.complete)
        if name in ("--branch", "--revision", "-b") and index + 1 < len(command.words):
            return command.words[index + 1]
    return None


def _followed(after: Sequence[Command]) -> Word | None:
    """What is checked out of a clone later on; the next clone ends its time."""
    found: Word | None = None
    for command in after:
        if command.program != "git":
            continue
        words = [word.text for word in command.words]
        if "clone" in words:
            break
        name = next((word for word in words[1:] if word in _FOLLOWING), None)
        refs = _refs(command, name) if name else []
        found = refs[-1] if refs and refs[-1].text != "FETCH_HEAD" else found
    return found


def _refs(command: Command, name: str) -> list[Word]:
    at = next(index for index, word in enumerate(command.words) if word.text == name)
    refs: list[Word] = []
    skip = False
    for word in command.words[at + 1 :]:
        if skip:
            skip = False
        elif word.text == "--":
            break
        elif word.text.startswith("-"):
            skip = word.text in ("-b", "-B", "-c", "-C", "--depth")
        else:
            refs.append(word)
    return refs[1:] if name in ("fetch", "pull") else refs[:1]


def _git_context(word: Word) -> Revision | None:
    """`https://github.com/OWNER/llama.cpp.git#REF`, as ADD and build contexts take it."""
    address, sign, ref = word.text.partition("#")
    found = _REPOSITORY.fullmatch(address)
    if found is None or not (sign or found["name"].endswith(".git")):
        return None
    named = Word(text=ref.partition(":")[0], where=word.where, complete=word.complete) if ref else None
    return _of_repository(Word(text=address, where=word.where, complete=word.complete), named)


git_context = _git_context

# ---------------------------------------------------------------------------------------------- archives and packages


def _archive(word: Word) -> Revision | None:
    found = _REPOSITORY.fullmatch(word.text)
    if found is None:
        return None
    ref = _ARCHIVE.search(found["rest"]) or _RELEASE.search(found["rest"])
    one = _of_repository(word, Word(text=ref["ref"], where=word.where, complete="$" not in ref["ref"]) if ref else None)
    return one if ref and one.llama else None


_REACHED = {(0, 2, 85): 3400, (0, 3, 0): 3700, (0, 3, 5): 4200, (0, 3, 9): 5200, (0, 3, 16): 6000}
"""By release of llama-cpp-python: a build that its llama.cpp is newer than."""


def _build_of_package(version: str) -> int | None:
    numbers = tuple(int(one) for one in re.findall(r"[0-9]+", version)[:3])
    reached = [build for release, build in _REACHED.items() if release <= numbers]
    return reached[-1] if reached else None


_PIP = frozenset({"pip", "pip3", "uv", "pipx", "poetry", "pdm", "conda", "mamba"})
_PACKAGE = re.compile(r"llama[-_]cpp[-_]python(?:\[[^\]]*\])?(?:(?:==|@)(?P<version>[0-9][^\s,;]*))?")


def installs_python_package(command: Command) -> Word | None:
    """The word that names llama-cpp-python, where a command installs it."""
    program = command.program
    runs_module = program.startswith("python") and "pip" in [word.text for word in command.words]
    if not (program in _PIP or program.startswith("pip3.") or runs_module):
        return None
    if not any(word.text in ("install", "add", "wheel", "download", "sync") for word in command.words):
        return None
    return next((word for word in command.words if _PACKAGE.match(word.text)), None)


def _packages(command: Command) -> Iterator[Revision]:
    word = installs_python_package(command)
    found = _PACKAGE.match(word.text) if word else None
    if word and found and found["version"]:
        ref = Word(text=found["version"], where=word.where, complete=word.complete)
        yield Revision(address=word, ref=ref, kind=kind_of(ref), source=False)
