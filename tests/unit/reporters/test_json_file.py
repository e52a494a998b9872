from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.model.report import RunReport, Sample
from bakehouse.reporters import json_file, read, write_all
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import empty_run, sample_run

HERE = Path()


def write(folder: Path, text: str) -> None:
    (folder / "run.json").write_text(text, encoding="utf-8")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write(tmp_path, json_file.render(sample_run(), folder=tmp_path))
    assert read(tmp_path) == sample_run()


@given(st.text())
def test_any_text_survives(text: str) -> None:
    run = poisoned(empty_run(), text)
    assert RunReport.model_validate(json.loads(json_file.render(run, folder=HERE))) == run


def test_keys_come_in_the_models_order_and_open_dictionaries_sorted() -> None:
    run = sample_run()
    image = run.cells[0].image
    assert image
    image.labels = {"b": "1", "a": "2"}
    record = json.loads(json_file.render(run, folder=HERE))
    assert list(record) == list(RunReport.model_fields)
    assert list(record["cells"][0]["image"]["labels"]) == ["a", "b"]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_number_that_json_lacks_is_read_back(value: float, tmp_path: Path) -> None:
    run = sample_run()
    run.cells[0].measurements[0].samples[0] = Sample(start=0, repetition=0, value=value)
    write(tmp_path, json_file.render(run, folder=tmp_path))
    found = read(tmp_path).cells[0].measurements[0].samples[0].value
    assert found == value or (math.isnan(found) and math.isnan(value))


def test_a_folder_without_a_run_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no run\.json") as caught:
        read(tmp_path)
    assert caught.value.hint == "name the folder of one run, for example reports/latest"


@pytest.mark.parametrize("text", ["", '{"run": ', "[" * 100_000])
def test_half_a_file_is_not_json(text: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    with pytest.raises(InputError, match="is not JSON"):
        read(tmp_path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not text in UTF-8"):
        read(tmp_path)


@pytest.mark.parametrize("record", [[], "x", 1, None, {}, {"run": 1, "cells": [{"name": 3}]}])
def test_json_that_is_no_run_is_damaged(record: object, tmp_path: Path) -> None:
    write(tmp_path, json.dumps(record))
    with pytest.raises(InputError, match="is damaged"):
        read(tmp_path)


def test_damage_is_named_by_its_key_path(tmp_path: Path) -> None:
    record = json.loads(json_file.render(sample_run(), folder=tmp_path))
    record["cells"][1]["build"]["seconds"] = "long"
    write(tmp_path, json.dumps(record))
    with pytest.raises(InputError, match=r"cells\.1\.build\.seconds"):
        read(tmp_path)


def test_a_newer_schema_is_explained_and_never_overwritten(tmp_path: Path) -> None:
    newer = json.dumps({"schema_version": 99, "bakehouse": "9.1.0", "things": []})
    write(tmp_path, newer)
    with pytest.raises(InputError, match=r"recorded by bakehouse 9\.1\.0 in schema 99; .* reads up to 1"):
        read(tmp_path)
    with pytest.raises(InputError, match="schema 99"):
        write_all(sample_run(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_text() == newer


def test_a_damaged_run_may_be_overwritten(tmp_path: Path) -> None:
    write(tmp_path, "half of a fi")
    write_all(sample_run(), tmp_path)
    assert read(tmp_path) == sample_run()
