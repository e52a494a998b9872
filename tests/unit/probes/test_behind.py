from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.work import Behind
from bakehouse.probes import ProbeFailed, behind
from tests.doubles.work_server import Asked, work_server
from tests.unit.suite.test_run import HERE, subject

ASKED = Behind.model_validate(
    {
        "command": ("/bin/python", "/backend.py", "alpha"),
        "mounts": {"backend.py": "/backend.py"},
        "port": 8000,
        "env": {"BACKENDS": "{address}, http://other:1", "X": "1"},
        "ready": "/readiness",
    }
)


def test_it_is_a_container_of_the_same_image_with_the_recipes_files(tmp_path: Path) -> None:
    (tmp_path / "backend.py").touch()
    about = subject("gateway", HERE).model_copy(update={"recipe_folder": str(tmp_path)})
    made = behind.launch(about, ASKED, run="r")
    assert (made.reference, made.entrypoint, made.args) == (about.reference, "/bin/python", ("/backend.py", "alpha"))
    assert (made.files, made.port) == ({str(tmp_path / "backend.py"): "/backend.py"}, 8000)


def test_the_server_is_told_where_it_is() -> None:
    assert behind.told(ASKED, "10.0.0.7") == {"BACKENDS": "http://10.0.0.7:8000, http://other:1", "X": "1"}


def test_it_waits_until_the_server_has_found_what_is_behind_it() -> None:
    said, asked = iter(["ConnectionError", "503", "200"]), []

    def ask(address: str) -> str:
        asked.append(address)
        return next(said)

    behind.wait_found("http://a:1", "/readiness", patience=9.0, ask=ask, clock=lambda: 0.0, sleep=lambda _: None)
    assert asked == ["http://a:1/readiness"] * 3


def test_it_says_what_the_server_said_instead() -> None:
    moments = iter([0.0, 5.0, 10.0])
    with pytest.raises(ProbeFailed, match=r"after 10 s .*: /readiness gives 503"):
        behind.wait_found(
            "http://a:1",
            "/readiness",
            patience=10.0,
            ask=lambda _: "503",
            clock=lambda: next(moments),
            sleep=lambda _: None,
        )


def test_a_server_is_asked_for_its_status() -> None:
    def respond(_: Asked) -> tuple[int, object]:
        return 200, {}

    with work_server(respond) as server:
        assert behind.asked(f"{server.url}/readiness") == "501", "it knows POST alone"
    assert behind.asked(f"{server.url}/readiness") == "ConnectionError"
