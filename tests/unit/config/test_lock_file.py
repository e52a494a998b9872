from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.config.load import validate
from bakehouse.config.lock_file import LOCK_FILE, read_lock, render_lock, write_lock
from bakehouse.config.yaml_document import parse
from bakehouse.errors import InputError
from bakehouse.model.lock import Lock, LockedBase, LockedFile
from bakehouse.model.text_format import unprintable

DIGEST = "sha256:" + "a" * 64
LOCK = Lock(
    bases={
        "ubuntu": LockedBase(reference="docker.io/library/ubuntu:24.04", digest=DIGEST),
        "debian": LockedBase(reference="docker.io/library/debian:trixie-slim", digest=DIGEST),
    },
    files={"pypi:a==1": LockedFile(file="a-1.tar.gz", sha256="b" * 64)},
)


def test_a_project_without_a_lockfile_has_no_pins(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == Lock()


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert write_lock(LOCK, root=tmp_path) is True
    assert read_lock(tmp_path) == LOCK
    text = (tmp_path / LOCK_FILE).read_text()
    assert text.startswith("# What the names in matrix.yaml stood for")
    assert text.index("debian:") < text.index("ubuntu:")


def test_the_order_of_finding_does_not_matter() -> None:
    turned = Lock(bases=dict(reversed(LOCK.bases.items())), files=LOCK.files)
    assert render_lock(turned) == render_lock(LOCK)


def test_an_unchanged_lockfile_is_left_alone(tmp_path: Path) -> None:
    write_lock(LOCK, root=tmp_path)
    before = (tmp_path / LOCK_FILE).stat()
    assert write_lock(LOCK, root=tmp_path) is False
    assert (tmp_path / LOCK_FILE).stat().st_ino == before.st_ino


def test_an_error_says_file_and_line(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text("version: 1\nbases:\n  debian:\n    reference: x\n    digset: y\n")
    with pytest.raises(InputError) as caught:
        read_lock(tmp_path)
    assert "bakehouse.lock:5" in str(caught.value)
    assert "unknown key 'digset'" in str(caught.value)


keys = st.text(min_size=1, max_size=30).filter(lambda text: not unprintable(text))
files = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,30}", fullmatch=True)


@given(files=st.dictionaries(keys, files, max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_name_survives(files: dict[str, str]) -> None:
    lock = Lock(files={key: LockedFile(file=file, sha256="c" * 64) for key, file in files.items()})
    assert validate(parse(render_lock(lock), file=LOCK_FILE), Lock) == lock
