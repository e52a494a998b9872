"""What files are checked against: a revision's options, what is known of them, the matrix, the project's own images."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.lint.options import SourceOptions
from bakehouse.model.matrix import Matrix
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand
from bakehouse.servers.llama_cpp.lint.known_options import Knowledge


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    options: SourceOptions
    knowledge: Knowledge
    matrix: Matrix
    at_hand: AtHand
