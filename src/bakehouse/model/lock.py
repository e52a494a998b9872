"""`bakehouse.lock`: what the names in the matrix stood for when they were last looked up."""

from __future__ import annotations

from bakehouse.model.field_types import Digest, FileName, FileVersion, ImageReference, Line, Model, Name, Sha256


class LockedBase(Model):
    reference: ImageReference
    digest: Digest


class LockedFile(Model):
    """One downloaded file: a wheel, an sdist, a tarball."""

    file: FileName
    sha256: Sha256


class Lock(Model):
    """`bakehouse.lock`: what the names in the matrix stood for when somebody last looked."""

    version: FileVersion = 1
    bases: dict[Name, LockedBase] = {}
    files: dict[Line, LockedFile] = {}
    """By place: `pypi:NAME==0.3.36`, `npm:NAME@VERSION`, or the address of a plain download."""
