"""The image that the suite runs in on a host: our own Python, loaded into the host's engine once for each version."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker, NoSuchObjectError
from bakehouse.errors import InfrastructureError
from bakehouse.hosts.environment import files, is_bytecode
from bakehouse.system import process

REPOSITORY = "bakehouse/suite"
TIMEOUT = 1800.0
"""Seconds for 400 MiB to reach a host."""
_DIGITS = 16


class SuiteImage:
    """Made at most once a run, for all hosts that lack it."""

    def __init__(self, *, platform: str, folder: Path) -> None:
        """`platform`: ours. `folder`: for a large temporary file, until the run has brought it everywhere."""
        self._platform, self._folder = platform, folder
        self._alone = Lock()
        self._paths: list[Path] = []
        self._reference = ""
        self._archive: Path | None = None

    def ensure(self, engine: Engine) -> tuple[str, bool]:
        """Its reference on that engine, and whether it had to be brought.

        Raises InfrastructureError for a host of another platform: our Python does not run there.
        """
        if engine.platform != self._platform:
            raise InfrastructureError(
                f"it is a {engine.platform} machine, and the suite of this one runs on {self._platform} alone",
                hint="Run bakehouse there: build-matrix --images takes what was built here (docs/hosts.md).",
            )
        reference = self._known()
        try:
            Docker(engine).image(reference)
        except NoSuchObjectError:
            process.stream(
                ["docker", "load"], env=engine.environment(), feed=self._written(reference), timeout=TIMEOUT, check=True
            )
            return reference, True
        return reference, False

    def _known(self) -> str:
        with self._alone:
            if not self._reference:
                self._paths = files()
                self._reference = f"{REPOSITORY}:{content(self._paths)[:_DIGITS]}"
            return self._reference

    def _written(self, reference: str) -> Path:
        with self._alone:
            if self._archive is None:
                self._archive = write(self._folder / "suite.tar", self._paths, reference, self._platform)
            return self._archive


def content(paths: Sequence[Path]) -> str:
    """sha256 over names and content, without what Python makes again."""
    whole = hashlib.sha256()
    for path in paths:
        if not is_bytecode(path):
            whole.update(f"{path}\0".encode())
            whole.update(os.fsencode(path.readlink()) if path.is_symlink() else _sha256(path).digest())
    return whole.hexdigest()


def write(archive: Path, paths: Sequence[Path], reference: str, platform: str) -> Path:
    """An image with these files, each at its own path, as `docker load` reads it."""
    layer = archive.with_name("layer.tar")
    _write_layer(layer, paths)
    config = json.dumps(_configuration(_sha256(layer).hexdigest(), platform)).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [reference], "Layers": [layer.name]}]
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, name, config)
        tar.add(layer, arcname=layer.name)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    layer.unlink()
    return archive


def _configuration(diff_id: str, platform: str) -> dict[str, Any]:
    program = Path(process.locate("docker", None)).resolve()
    system, architecture = platform.split("/")
    return {
        "os": system,
        "architecture": architecture,
        "config": {
            "Entrypoint": [sys.executable],
            "Env": [f"PATH={program.parent}", "LANG=C.UTF-8", "HOME=/root"],
            "Labels": {"io.bakehouse.suite": "1"},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
    }


def _write_layer(layer: Path, paths: Sequence[Path]) -> None:
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, mode in (("tmp", 0o1777), ("root", 0o700)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        for path in paths:
            tar.add(path, arcname=str(path).lstrip("/"), recursive=False, filter=_of_root)
        for name, text in (("etc/passwd", b"root:x:0:0:root:/root:\n"), ("etc/group", b"root:x:0:\n")):
            _add(tar, name, text)


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    if member.islnk():  # package managers link the same file into several environments
        member.type, member.linkname, member.size = tarfile.REGTYPE, "", Path("/", member.name).stat().st_size
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _sha256(path: Path) -> Any:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
