from __future__ import annotations

from pathlib import Path

from bakehouse.model_files.check import check_model


def test_what_is_wrong_is_said_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"no")
    (only,) = check_model(tmp_path / "small.gguf").findings
    assert only.what == "small.gguf is not a GGUF file: it is 2 bytes long"


def test_each_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "big-00001-of-00002.gguf").write_bytes(b"")
    findings = check_model(tmp_path / "big-00001-of-00002.gguf").findings
    assert [one.what for one in findings] == [
        "big-00001-of-00002.gguf is not a GGUF file: it is empty",
        "big-00002-of-00002.gguf is missing",
    ]
