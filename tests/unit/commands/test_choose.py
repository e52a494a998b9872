from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from bakehouse.model.image_catalogue import as_json
from tests.unit.reporters.images import REPOSITORY, digest, sample_catalogue
from tests.unit.supply.conftest import WebServer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "catalogue.json").write_text(json.dumps(as_json(sample_catalogue())))
    return tmp_path


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


def test_for_a_card_and_its_driver(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(root), "choose", "--gpu", "rtx5090", "--driver", "575.60"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "rtx5090 (cuda, sm_120, 32 GiB), driver 575.60"
    assert lines[2] == f"    docker pull {REPOSITORY}@{digest('b')}"
    assert lines[3] == f"    docker run --rm --gpus all {REPOSITORY}@{digest('b')}"
    assert "  not llama-server cuda13.0-sm120: driver 575.60 is too old" in "\n".join(lines)


def test_for_programs_from_an_address(web: WebServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    web.put("/images/catalogue.json", json.dumps(as_json(sample_catalogue())).encode())
    words = ["choose", "--from", web.url("/images/catalogue.json"), "--gpu", "cpu", "--json"]
    assert main(["--root", str(tmp_path), *words]) == ExitCode.OK
    (found,) = json.loads(capsys.readouterr().out)
    assert found["card"] == "cpu"
    assert found["ranked"][0]["pull"] == f"{REPOSITORY}@{digest('a')}"
    assert main(["--root", str(tmp_path), "choose", "--from", web.url("/none.json")]) == ExitCode.INFRASTRUCTURE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "Field required"),
        ("no JSON", "Invalid JSON"),
        ('{"schema_version": 99, "bakehouse": "9.0", "made": "2026-11-27T12:00:00Z"}', "newer bakehouse (9.0)"),
        ('{"bakehouse": "1", "made": "2026-11-27T12:00:00Z"}', "the catalogue has no images"),
    ],
)
def test_what_is_no_catalogue_is_said(
    tmp_path: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "catalogue.json").write_text(content)
    assert main(["--root", str(tmp_path), "choose"]) == ExitCode.BAD_INPUT
    assert message in capsys.readouterr().err


def test_what_is_not_there_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(root), "choose", "--recipe", "vllm"]) == ExitCode.BAD_INPUT
    assert "its recipes are llama-server" in capsys.readouterr().err
    assert main(["--root", str(root), "choose", "--gpu", "rx7900xtx"]) == ExitCode.CELL_FAILED
    assert "no published image runs on it" in capsys.readouterr().out
    assert main(["--root", str(root / "nowhere"), "choose"]) == ExitCode.BAD_INPUT
    assert "there is no catalogue of images" in capsys.readouterr().err
