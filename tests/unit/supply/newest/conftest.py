"""Git repositories on this machine, and source distributions that carry one."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakehouse.system import process

ENV = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


class Git:
    """A repository, one commit a call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self("init", "--quiet", "--initial-branch", "main")
        self("config", "uploadpack.allowFilter", "true")
        self("config", "uploadpack.allowAnySHA1InWant", "true")

    @property
    def address(self) -> str:
        return f"file://{self.folder}"

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        git = ["git", "-C", str(self.folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        return process.run([*git, *words], env={**ENV, **(env or {})}).stdout.strip()

    def commit(self, day: str, *tags: str, annotated: bool = False) -> str:
        """An empty commit at noon of a day, with these tags."""
        moment = f"{day}T12:00:00+02:00"
        dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        self("commit", "--quiet", "--allow-empty", "-m", day, env=dates)
        for tag in tags:
            self("tag", *(["-a", "-m", tag] if annotated else []), tag)
        return self("rev-parse", "HEAD")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return Git(tmp_path / "upstream")


def index_with(folder: Path, *, gitlinks: Mapping[str, str], files: int = 0) -> bytes:
    """A git index as git itself writes it, with submodules at these commits."""
    clone = Git(folder)
    for number in range(files):
        (folder / f"file-{'x' * number}").write_text("")
    clone("add", ".")
    for path, commit in gitlinks.items():
        clone("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    return (folder / ".git/index").read_bytes()


def sdist(name: str, files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
