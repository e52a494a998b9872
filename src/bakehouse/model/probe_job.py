"""What a remote machine is asked to probe: all that it needs of a project, in one file."""

from __future__ import annotations

from bakehouse.model.lock import LockedFile
from bakehouse.model.matrix import ModelFile
from bakehouse.model.report import CellReport, Record
from bakehouse.model.suite import Subject


class ProbeJob(Record):
    """`job.json`. Files that the recipe's cases send lie beside it, under their names in the recipe."""

    cell: CellReport
    """As it stands before anything is found out."""
    subject: Subject
    image: str = ""
    """`HOST/REPOSITORY@DIGEST`: what is served, and what results are attached to. Empty: they are only reported."""
    serves: list[str] = []
    """Rows of `models`: what the server gets, the first by name and the others beside it."""
    models: dict[str, ModelFile] = {}
    locked: dict[str, LockedFile] = {}
    """Pins of what the models come out of, as in bakehouse.lock."""
    fingerprint: str
    revision: str = ""
    """Git commit of the project."""
