"""A Dockerfile with all that is asked of it more than once: what it builds, from which revision, and what it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bakehouse.errors import Where
from bakehouse.lint.container_file import Contents
from bakehouse.lint.options import SourceOptions
from bakehouse.lint.server_start import ServerStart, find_start
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.stages.stage import is_script
from bakehouse.servers.llama_cpp.lint import check_image
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand, other_revision
from bakehouse.servers.llama_cpp.lint.containers import inherited_start
from bakehouse.servers.llama_cpp.lint.known_options import Knowledge
from bakehouse.servers.llama_cpp.lint.old_names import OWN
from bakehouse.servers.llama_cpp.lint.own_steps import RELATIVES, Steps, own_steps
from bakehouse.servers.llama_cpp.lint.python_builds import steps_of
from bakehouse.servers.llama_cpp.lint.revisions import (
    Kind,
    Revision,
    find_revisions,
    installs_python_package,
    is_wrapper,
)
from bakehouse.servers.llama_cpp.lint.upstream_images import SERVER, upstream_image

OLD_SERVER = "server"
"""What llama-server was called before June 2024."""


@dataclass(frozen=True, kw_only=True)
class WholeFile:
    """A Dockerfile with all that is asked of it more than once."""

    contents: Sequence[Contents]
    image: Sequence[Contents]
    """The stages whose content the image has."""
    options: SourceOptions
    knowledge: Knowledge
    at_hand: AtHand
    arguments: tuple[str, ...] = ()
    """Names of the arguments before the first FROM."""
    mentions: bool = True
    """Whether anything in it speaks of llama.cpp."""
    relative: Word | None = None
    """A relative of llama.cpp that the file speaks of, where it takes its source from the build context."""

    @cached_property
    def revisions(self) -> dict[int, tuple[Revision, ...]]:
        """What each stage fetches or stands on, by its place in the file."""
        found = {index: _as_relative(tuple(_revisions_of(one)), one) for index, one in enumerate(self.contents)}
        if self.relative and not any(one.llama for several in found.values() for one in several):
            context = Revision(address=self.relative, ref=None, kind=Kind.BRANCH, fork=True, source=False)
            found[0] = (*found.get(0, ()), context)
        return found

    @cached_property
    def other(self) -> Revision | None:
        """A source of the file whose options are not at hand."""
        return other_revision([one for found in self.revisions.values() for one in found], self.at_hand)

    def other_of(self, index: int) -> Revision | None:
        """The same for what a stage builds: its own source, else whatever the file has."""
        own = self.revisions[index]
        return other_revision(own, self.at_hand) if any(one.llama for one in own) else self.other

    def steps(self, stage: Contents) -> Steps:
        """Configure steps of llama.cpp, those of pip last."""
        return own_steps(steps_of(stage), stage.commands, by_default=self.mentions)

    @cached_property
    def other_steps(self) -> tuple[Word, ...]:
        """The first words of configure steps of other projects."""
        own = {id(command) for stage in self.contents for command, _ in self.steps(stage)}
        every = (command for stage in self.contents for command, _ in steps_of(stage))
        return tuple(command.words[0] for command in every if id(command) not in own)

    @cached_property
    def is_about_llama_cpp(self) -> bool:
        """Whether it builds or contains llama.cpp as far as one sees."""
        if any(one.llama for found in self.revisions.values() for one in found):
            return True
        if any(upstream_image(stage.image) for stage in self.contents):
            return True
        return any(OWN.match(one.name) for stage in self.contents for _, step in steps_of(stage) for one in step)

    @cached_property
    def runs_scripts(self) -> bool:
        """Whether something that nobody read builds in a stage, and may hand variables on to CMake."""
        return any(is_script(command) or command.program == "make" for one in self.contents for command in one.commands)

    @cached_property
    def installs_wheels(self) -> bool:
        return any(installs_python_package(command) for stage in self.contents for command in stage.commands)

    @cached_property
    def variables(self) -> list[Setting]:
        return [setting for one in self.image for setting in one.variables]

    @cached_property
    def start(self) -> ServerStart | None:
        """The server that the image starts, under whatever name it was copied."""
        if not self.image:
            return None
        last, lowest = self.image[-1], self.image[0]
        if any(words and words[0].text.startswith("[") for words in (last.entrypoint, last.command)):
            return None  # a list that is none: check_forms.py says so
        if last.entrypoint or not (upstream := upstream_image(lowest.image)):
            names = {SERVER, *check_image.names_of_server(self.contents)}
            if self.is_about_llama_cpp:
                names.add(OLD_SERVER)
            return find_start((*last.entrypoint, *last.command), names)
        base = Word(text=lowest.image, where=check_image.where_from(lowest))
        return inherited_start(base, upstream, last.command)

    @property
    def other_program(self) -> str | None:
        """What the image starts that is not known to be the server."""
        if self.start or not self.image:
            return None
        last = self.image[-1]
        words = (*last.entrypoint, *last.command)
        return words[0].text if words else f"what {self.image[0].image} starts"


def _revisions_of(stage: Contents) -> Iterator[Revision]:
    added = [word for source, words in stage.copies if source is None for word in words[:-1]]
    yield from find_revisions(stage.commands, added)
    upstream = upstream_image(stage.image)
    if upstream and upstream.build is not None:
        where = check_image.where_from(stage)
        ref = Word(text=f"b{upstream.build}", where=where)
        yield Revision(address=Word(text=stage.image, where=where), ref=ref, kind=Kind.PINNED, source=False)


_RELATIVE = re.compile(r"\bik_llama(?:\.cpp)?")


def relative_in(text: str, file: str) -> Word | None:
    """A relative that is built from a checkout of its own, by the name that stands in the file."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _RELATIVE.search(line):
            return Word(text=found[0], where=Where(file=file, line=number))
    return None


def _as_relative(found: tuple[Revision, ...], stage: Contents) -> tuple[Revision, ...]:
    """Where options of llama.cpp are given to the one source that a stage fetches, it is a relative by another name."""
    builds = any(OWN.match(setting.name) for _, step in stage.steps for setting in step)
    from_context = any(source is None and words[0].text in (".", "./") for source, words in stage.copies)
    sources = [one for one in found if one.source]
    named = next((one for _, step in stage.steps for one in step if RELATIVES.match(one.name)), None)
    if named and builds and not sources:
        word = Word(text=named.as_option, where=named.where)
        return (*found, Revision(address=word, ref=None, kind=Kind.BRANCH, fork=True, source=False))
    if not builds or from_context or len(sources) != 1 or sources[0].llama or is_wrapper(sources[0].address.text):
        return found
    return tuple(replace(one, fork=True, llama=True) if one.source else one for one in found)
