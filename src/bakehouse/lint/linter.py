"""What the lint asks of a family of servers: an ability of those whose options are known (servers/linters.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bakehouse.config.load import Project
from bakehouse.lint.examined import Examined, Read
from bakehouse.lint.finding import Finding
from bakehouse.lint.options import Argument, SourceOptions


class FileLinter(Protocol):
    """Checks what people bring along. InputError for what cannot be linted, with what it is as far as one sees."""

    def check_file(self, text: str, *, file: str, read: Read) -> Examined: ...

    def check_cmake_line(self, line: str) -> Examined:
        """`-DBUILD_SHARED_LIBS=ON ...`, with or without `cmake` before it."""
        ...

    def check_server_line(self, line: str) -> Examined:
        """The server's command line, its arguments alone, or `docker run ... IMAGE ARGUMENTS`."""
        ...


class Linter(Protocol):
    @property
    def title(self) -> str:
        """The source, for people."""
        ...

    def can_read(self, folder: Path) -> bool:
        """Whether a source tree is of the kind that it reads."""
        ...

    def read_tree(self, folder: Path, *, revision: str) -> SourceOptions:
        """The options of a source tree. InputError where it is another one."""
        ...

    def check_project(
        self, project: Project, options: Mapping[str, SourceOptions | None], *, recipes: Iterable[str]
    ) -> tuple[Finding, ...]:
        """Some recipes of the family. `options` by name of the source; None where none were kept."""
        ...

    def examine_project(
        self, project: Project, options: Mapping[str, SourceOptions | None], *, recipes: Sequence[str]
    ) -> Examined:
        """The same, and how much was looked at."""
        ...

    def of_files(self, project: Project, options: SourceOptions) -> FileLinter:
        """Holds files against a revision's options."""
        ...

    def differences(self, arguments: Sequence[Argument], help_text: str) -> Sequence[str]:
        """What the server says with `--help` and its source does not, or the other way around: a line each."""
        ...
