"""The family's `Linter`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.config.load import Project
from bakehouse.lint.examined import Examined
from bakehouse.lint.finding import Finding
from bakehouse.lint.linter import FileLinter
from bakehouse.lint.options import Argument, SourceOptions
from bakehouse.servers.llama_cpp.lint import project
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge


@dataclass(frozen=True, slots=True)
class LlamaLinter:
    """`plan` asks it about the project. What reads sources and other people's files is imported where they are read."""

    title = "llama.cpp"

    def can_read(self, folder: Path) -> bool:
        from bakehouse.servers.llama_cpp.lint import source_tree  # noqa: PLC0415

        return source_tree.can_read(folder)

    def read_tree(self, folder: Path, *, revision: str) -> SourceOptions:
        from bakehouse.servers.llama_cpp.lint import source_tree  # noqa: PLC0415

        return source_tree.read_tree(folder, revision=revision)

    def check_project(
        self, of: Project, options: Mapping[str, SourceOptions | None], *, recipes: Iterable[str]
    ) -> tuple[Finding, ...]:
        return project.check_project(of, options, load_knowledge(), recipes=recipes)

    def examine_project(
        self, of: Project, options: Mapping[str, SourceOptions | None], *, recipes: Sequence[str]
    ) -> Examined:
        return project.examine_project(of, options, load_knowledge(), recipes=recipes)

    def of_files(self, of: Project, options: SourceOptions) -> FileLinter:
        from bakehouse.servers.llama_cpp.lint.files import LlamaFiles  # noqa: PLC0415

        return LlamaFiles.of(of, options)

    def differences(self, arguments: Sequence[Argument], text: str) -> Sequence[str]:
        from bakehouse.servers.llama_cpp.lint import help_text  # noqa: PLC0415

        return help_text.differences(tuple(arguments), text)
