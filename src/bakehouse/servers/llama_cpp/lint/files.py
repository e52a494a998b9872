"""The family's `FileLinter`: what people bring along, checked against one revision."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.config.load import Project
from bakehouse.lint.examined import Examined, Read
from bakehouse.lint.options import SourceOptions
from bakehouse.model.places import PyPIPlace
from bakehouse.servers.llama_cpp.lint import inputs
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge


@dataclass(frozen=True, slots=True)
class LlamaFiles:
    basis: Basis

    @classmethod
    def of(cls, project: Project, options: SourceOptions) -> LlamaFiles:
        matrix, at_hand = project.world.matrix, _at_hand(project, options)
        return cls(Basis(options=options, knowledge=load_knowledge(), matrix=matrix, at_hand=at_hand))

    def check_file(self, text: str, *, file: str, read: Read) -> Examined:
        return inputs.check_input(text, file=file, basis=self.basis, read=read)

    def check_cmake_line(self, line: str) -> Examined:
        return inputs.check_cmake_line(line, self.basis)

    def check_server_line(self, line: str) -> Examined:
        return inputs.check_server_line(line, self.basis)


def _at_hand(of: Project, options: SourceOptions) -> AtHand:
    """By the source that has the revision; its package is the one that the source's places name."""
    for source in of.world.matrix.sources.values():
        if source.revision == options.revision:
            packages = (place.pypi.requirement for place in source.places if isinstance(place, PyPIPlace))
            package = next((name.partition("==")[2] for name in packages), None)
            return AtHand(commit=source.revision, build=source.build_number, package=package)
    return AtHand(commit=options.revision)
