"""The family's `Linter`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.config.load import Project
from bakehouse.lint.compose_file import Read
from bakehouse.lint.examined import Examined
from bakehouse.lint.finding import Finding
from bakehouse.lint.options import Argument, SourceOptions
from bakehouse.model.places import PyPIPlace
from bakehouse.servers.llama_cpp.lint import help_text, inputs, project, source_tree
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge


@dataclass(frozen=True, slots=True)
class LlamaFiles:
    basis: Basis

    def check_file(self, text: str, *, file: str, read: Read) -> Examined:
        return inputs.check_input(text, file=file, basis=self.basis, read=read)

    def check_cmake_line(self, line: str) -> Examined:
        return inputs.check_cmake_line(line, self.basis)

    def check_server_line(self, line: str) -> Examined:
        return inputs.check_server_line(line, self.basis)


@dataclass(frozen=True, slots=True)
class LlamaLinter:
    title = "llama.cpp"

    def can_read(self, folder: Path) -> bool:
        return source_tree.can_read(folder)

    def read_tree(self, folder: Path, *, revision: str) -> SourceOptions:
        return source_tree.read_tree(folder, revision=revision)

    def check_project(
        self, of: Project, options: Mapping[str, SourceOptions | None], *, recipes: Iterable[str]
    ) -> tuple[Finding, ...]:
        return project.check_project(of, options, load_knowledge(), recipes=recipes)

    def examine_project(
        self, of: Project, options: Mapping[str, SourceOptions | None], *, recipes: Sequence[str]
    ) -> Examined:
        return project.examine_project(of, options, load_knowledge(), recipes=recipes)

    def of_files(self, of: Project, options: SourceOptions) -> LlamaFiles:
        matrix = of.world.matrix
        return LlamaFiles(
            Basis(options=options, knowledge=load_knowledge(), matrix=matrix, at_hand=_at_hand(of, options))
        )

    def differences(self, arguments: Sequence[Argument], text: str) -> Sequence[str]:
        return help_text.differences(tuple(arguments), text)


def _at_hand(of: Project, options: SourceOptions) -> AtHand:
    """By the source that has the revision; its package is the one that the source's places name."""
    for source in of.world.matrix.sources.values():
        if source.revision == options.revision:
            packages = (place.pypi.requirement for place in source.places if isinstance(place, PyPIPlace))
            package = next((name.partition("==")[2] for name in packages), None)
            return AtHand(commit=source.revision, build=source.build_number, package=package)
    return AtHand(commit=options.revision)
