"""What files are held against."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.lint.check_revision import AtHand
from bakehouse.lint.known_options import Knowledge
from bakehouse.lint.options import SourceOptions
from bakehouse.model.matrix import Matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    options: SourceOptions
    knowledge: Knowledge
    matrix: Matrix
    at_hand: AtHand
