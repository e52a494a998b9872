"""What workflows are rendered from: a part of the matrix, and the version that renders. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import bakehouse
from bakehouse.model.ci import Automation
from bakehouse.model.matrix import Matrix

MARK = "# Written by `bakehouse ci "
"""How a file begins that is ours to write again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    ci: Automation
    registry: str | None
    """Host of the registry that images go to; None: the policy names none."""
    keyless: bool
    """Whether images are signed with the job's own identity, without a key."""

    @classmethod
    def of(cls, matrix: Matrix) -> Settings:
        repository, signing = matrix.publish.repository, matrix.publish.signing
        return cls(
            ci=matrix.ci,
            registry=repository.partition("/")[0] if repository else None,
            keyless=signing.tool == "cosign" and signing.identity is not None,
        )

    @property
    def installed(self) -> str:
        """What pip installs."""
        return self.ci.install or f"bakehouse=={bakehouse.__version__}"

    def header(self, system: str) -> str:
        return f"{MARK}{system}` from matrix.yaml (ci, publish): change that, not this.\n"
