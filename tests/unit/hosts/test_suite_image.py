from __future__ import annotations

import hashlib
import json
import os
import sys
import tarfile
from pathlib import Path

import pytest

import bakehouse
from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError
from bakehouse.hosts import environment, suite_image
from bakehouse.hosts.images import configuration
from bakehouse.hosts.suite_image import SuiteImage
from bakehouse.system import process


@pytest.fixture(scope="module")
def files() -> list[Path]:
    if process.find("docker") is None:
        pytest.skip("needs docker's command line, which is one of the files")
    return environment.files()


def test_the_environment_holds_python_ourselves_and_what_we_need(files: list[Path]) -> None:
    names = {str(path) for path in files}
    assert {sys.executable, str(Path(sys.executable).resolve())} <= names
    assert str(Path(bakehouse.__file__).resolve()) in names
    assert str(Path(pytest.__file__)) in names
    assert str(Path(os.__file__)) in names
    assert any("ld-linux" in name for name in names) or any("ld-musl" in name for name in names)
    assert not any("/tkinter/" in name or "/idlelib/" in name for name in names)
    assert all(path.is_file() or path.is_symlink() for path in files)


def test_links_are_there_with_what_they_lead_to(files: list[Path]) -> None:
    names = set(files)
    for path in files:
        if path.is_symlink():
            assert Path(os.path.normpath(path.parent / path.readlink())) in names


def test_an_archive_is_an_image_that_docker_load_reads(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(b"x")
    os.link(tmp_path / "first", tmp_path / "second")
    (tmp_path / "third").symlink_to("first")
    paths = [tmp_path / name for name in ("first", "second", "third")]
    archive = suite_image.write(tmp_path / "suite.tar", paths, "bakehouse/suite:1", "linux/amd64")
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = tar.extractfile(manifest[0]["Config"]).read()  # type: ignore[union-attr]
        layer = tar.extractfile(manifest[0]["Layers"][0]).read()  # type: ignore[union-attr]
    assert manifest[0]["RepoTags"] == ["bakehouse/suite:1"]
    assert manifest[0]["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
    assert configuration(archive) == f"sha256:{hashlib.sha256(config).hexdigest()}"
    assert json.loads(config)["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    (tmp_path / "layer.tar").write_bytes(layer)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        found = {member.name: member for member in tar}
    inside = str(tmp_path).lstrip("/")
    assert found[f"{inside}/second"].isreg(), "a hard link would need the other one"
    assert found[f"{inside}/third"].linkname == "first"
    assert {member.uid for member in found.values()} == {0}


def test_bytecode_changes_no_name(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "a.pyc").write_text("1")
    before = suite_image.content([tmp_path / "a.py", tmp_path / "a.pyc"])
    (tmp_path / "a.pyc").write_text("2")
    assert suite_image.content([tmp_path / "a.py", tmp_path / "a.pyc"]) == before
    (tmp_path / "a.py").write_text("2")
    assert suite_image.content([tmp_path / "a.py", tmp_path / "a.pyc"]) != before


def test_a_host_of_another_platform_is_refused(tmp_path: Path) -> None:
    engine = Engine(
        kind="external", host="ssh://spark", version="28", buildx="0.13", containerd_store=True,
        info={"Architecture": "aarch64"},
    )  # fmt: skip
    with pytest.raises(InfrastructureError, match="it is a linux/arm64 machine"):
        SuiteImage(platform="linux/amd64", folder=tmp_path).ensure(engine)
