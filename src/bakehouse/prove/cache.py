"""Proofs that were made before: the same image, the same promise and the same checks give the same answer."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check, Image, Record
from bakehouse.prove.expect import Expectation
from bakehouse.system import atomic_write

KEPT = 500
"""Proofs; each is some 10 KB."""


class Proof(Record):
    image: Image
    checks: list[Check]


class ProofCache:
    """Proofs by image, promise and checks, in a folder of the cache."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, image: str, expectation: Expectation) -> Proof | None:
        """The proof of an image by its ID in the engine's store; None if it was never made, or cannot be read."""
        try:
            return Proof.model_validate_json(self._path(image, expectation).read_bytes())
        except (OSError, ValidationError):
            return None

    def keep(self, image: str, expectation: Expectation, proof: Proof) -> None:
        """Remember it, unless a check could not be made. Raises OSError."""
        if all(check.verdict is not Verdict.ERRORED for check in proof.checks):
            atomic_write.write(self._path(image, expectation), proof.model_dump_json())
            for old in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)

    def _path(self, image: str, expectation: Expectation) -> Path:
        promise = json.dumps(dataclasses.asdict(expectation), sort_keys=True, default=_plain)
        key = hashlib.sha256(json.dumps([image, promise, _checks_in_force()]).encode())
        return self._folder / f"{key.hexdigest()}.json"


@cache
def _checks_in_force() -> str:
    """Hash of the sources of this package: a changed check makes every older proof void."""
    whole = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else repr(value)
