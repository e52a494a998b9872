"""`bakehouse.lock`: what the names in the matrix stood for when somebody last looked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from bakehouse.model.field_types import Model, Name, Sha256, Text


class LockedBase(Model):
    reference: Text
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class LockedFile(Model):
    """One downloaded file: a wheel, an sdist, a tarball."""

    file: Text
    sha256: Sha256


class Lock(Model):
    """`bakehouse.lock`: what the names in the matrix stood for when somebody last looked."""

    version: Literal[1] = 1
    bases: dict[Name, LockedBase] = {}
    files: dict[Text, LockedFile] = {}
    """By place: `pypi:llama-cpp-python==0.3.36`, or the address of a plain download."""
