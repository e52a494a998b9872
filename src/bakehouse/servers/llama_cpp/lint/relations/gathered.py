"""Which of llama.cpp's libraries and programs come into the image, by what patterns, and where to."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bakehouse.lint.command import Command
from bakehouse.lint.relations.view import View
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.stage import Copy, StageModel

PROGRAM = re.compile(r"(?:llama-[a-z-]+|llama|server|main|rpc-server|ggml-rpc-server)(?:\*)?")
_COPIERS = frozenset({"cp", "mv", "install", "rsync"})
_PATTERN = re.compile(r"\.so|\*|/lib(?:64)?/?$|/bin/?$|/build/?$|/\.$|^\.$")
_NOT_OURS = re.compile(r"(?:^|/)lib(?!llama|ggml|mtmd)[a-z0-9_+-]+\.so")


@dataclass(frozen=True, kw_only=True, slots=True)
class GatheredFiles:
    """Files that a pattern or a folder brings into the image."""

    word: Word
    """The pattern, the file or the folder."""
    folder: str
    """Absolute, in the image."""
    files_only: bool = False
    """Whether links stay behind: `find -type f`."""

    @property
    def name(self) -> str:
        return posixpath.basename(self.word.text.rstrip("/"))

    @property
    def is_program(self) -> bool:
        return bool(PROGRAM.fullmatch(self.name)) and not is_folder(self.word.text)

    @property
    def is_library(self) -> bool:
        return ".so" in self.name

    @property
    def may_have_libraries(self) -> bool:
        """Folders, and patterns that are not for other files."""
        text = self.word.text
        return (bool(_PATTERN.search(text)) or is_folder(text)) and not _NOT_OURS.search(text)

    def may_hold(self, file: str) -> bool:
        """Whether a file of this name may be among them: a folder may hold any."""
        return is_folder(self.word.text) or fnmatch.fnmatchcase(file, self.name)

    @property
    def keeps_versions(self) -> bool:
        """Whether `libllama.so.0` comes along where `libllama.so` does."""
        return not self.name.endswith(".so") and not (self.files_only and self.is_library)


def gathered(view: View) -> tuple[GatheredFiles, ...]:
    """What the COPY lines of the image bring from stages that build, folders followed to what was put into them."""
    found: list[GatheredFiles] = []
    for copy in view.image.copies:
        stage = _stage(copy, view)
        if stage is not None:
            found += [one for word in copy.words for one in _of(word, copy.folder, stage, view, depth=0)]
    return tuple(found)


def _stage(copy: Copy, view: View) -> StageModel | None:
    return view.stage_named(copy.source) if copy.source else None


_DEEP = 4
"""Stages that collect from stages that collect."""


def _of(word: Word, folder: str, stage: StageModel, view: View, *, depth: int) -> Iterator[GatheredFiles]:
    """A word of a COPY: what commands and copies put there, else the word itself."""
    put = list(_put_into(word.text.rstrip("/*").rstrip("/"), stage)) if is_folder(word.text) else []
    inner = [
        one
        for copy in stage.copies
        if depth < _DEEP and is_folder(word.text) and _inside(copy.folder, word.text)
        for other in [_stage(copy, view)]
        if other is not None
        for inner_word in copy.words
        for one in _of(inner_word, folder, other, view, depth=depth + 1)
    ]
    if put or inner:
        for one, files_only in put:
            yield GatheredFiles(word=one, folder=folder, files_only=files_only)
        yield from inner
    else:
        yield GatheredFiles(word=word, folder=folder)


def is_folder(text: str) -> bool:
    """Whether a word of a COPY most likely names a folder."""
    name = posixpath.basename(text.rstrip("/"))
    if name == "llama" and posixpath.basename(posixpath.dirname(text)) != "bin":
        return True
    return (
        text.endswith("/")
        or name in ("*", ".")
        or ("." not in name and "*" not in name and not PROGRAM.fullmatch(name))
    )


def _inside(folder: str, wanted: str) -> bool:
    wanted = wanted.rstrip("/*").rstrip("/") or "/"
    return folder == wanted or folder.startswith(f"{wanted}/")


def _put_into(folder: str, stage: StageModel) -> Iterator[tuple[Word, bool]]:
    """Sources of the commands that copy to a folder, and whether they leave links behind."""
    for part in stage.chain:
        commands = part.commands
        for index, command in enumerate(commands):
            if command.program in _COPIERS:
                yield from ((word, False) for word in _copied(command, folder))
            elif command.program == "find":
                after = commands[index + 1] if index + 1 < len(commands) else None
                files_only = ["-type", "f"] in [[one.text, two.text] for one, two in pairwise(command.words)]
                yield from ((word, files_only) for word in _found(command, after, folder))


def _same(target: str, folder: str) -> bool:
    """Whether a target as a command names it, perhaps relative to some folder, is the folder or in it."""
    target = target.rstrip("/").removeprefix("./")
    if target.startswith("/"):
        return target == folder or target.startswith(f"{folder}/")
    return bool(target) and (
        folder == target or folder.endswith(f"/{target}") or f"/{posixpath.basename(folder)}/" in f"/{target}/"
    )


def _copied(command: Command, folder: str) -> Iterator[Word]:
    words = list(command.words[1:])
    given = next(
        (words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-t", "--target-directory")), None
    )
    plain = [word for word in words if not word.text.startswith("-") and word is not given]
    target = given or (plain.pop() if plain else None)
    if target is not None and _same(target.text, folder):
        yield from (word for word in plain if not re.fullmatch(r"[0-7]{3,4}", word.text))


def _found(command: Command, after: Command | None, folder: str) -> Iterator[Word]:
    """`find build -name PATTERN -exec cp {} FOLDER`, or through xargs."""
    words = list(command.words)
    rest = [*words, *(after.words if after and after.program == "xargs" else ())]
    copies = any(word.text.rpartition("/")[2] in _COPIERS for word in rest)
    if copies and any(_same(word.text, folder) for word in rest[2:] if not word.text.startswith(("-", "{", "*"))):
        names = [
            words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-name", "-iname", "-path", "-regex")
        ]
        yield from names
