"""Probes of a stack against small servers on the loopback: what one answers goes into what the next is asked."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bakehouse.config.load import _tuples
from bakehouse.model.cases import HttpRequest
from bakehouse.model.stack import StackProbe
from bakehouse.probes import ProbeFailed
from bakehouse.probes.stack import filled, gist, run_probe


class Handler(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, Any, str | None]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        self.asked.append((self.path, body, self.headers.get("Authorization")))
        self.send_response(200)
        if self.path.startswith("/stream"):
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            pieces = ["one"] if self.path == "/stream-of-one" else ["one ", "two"]
            for piece in pieces:
                self.wfile.write(f'data: {{"choices": [{{"delta": {{"content": "{piece}"}}}}]}}\n\n'.encode())
            if self.path != "/stream-that-breaks":
                self.wfile.write(b"data: [DONE]\n\n")
            return
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"detections": [{"class": 'a "person"', "x": 5}]}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Handler.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def probe(*steps: dict[str, Any]) -> StackProbe:
    return StackProbe.model_validate(_tuples({"name": "p", "steps": list(steps)}))


def step(path: str, **more: Any) -> dict[str, Any]:
    body = more.pop("body", {})
    return {"to": "a", "http": {"method": "POST", "path": path, "body": body}, **more}


def test_what_an_answer_held_goes_into_the_next_request(url: str, tmp_path: Path) -> None:
    asked = probe(
        step("/detect", take={"seen": "detections[0].class", "all": "detections"}),
        step("/chat", body={"messages": [{"content": "There is {seen}: {all}"}]}),
    )

    run_probe(asked, lambda _: (url, {"Authorization": "Bearer k"}), folder=tmp_path)

    assert Handler.asked[1][1]["messages"][0]["content"].startswith('There is a "person": [{"class"')
    assert Handler.asked[1][2] == "Bearer k"


def test_a_stream_must_come_in_pieces_and_say_its_end(url: str, tmp_path: Path) -> None:
    def said(path: str) -> str:
        return run_probe(probe(step(path, stream=True)), lambda _: (url, {}), folder=tmp_path)

    assert "one two" in said("/stream")
    with pytest.raises(ProbeFailed, match="step 1, to a: the answer came in one piece"):
        said("/stream-of-one")
    with pytest.raises(ProbeFailed, match="without"):
        said("/stream-that-breaks")


def test_what_is_wrong_is_told_with_its_step(url: str, tmp_path: Path) -> None:
    with pytest.raises(ProbeFailed, match="step 2, to a: POST /x: status 200, expected 404"):
        run_probe(probe(step("/detect"), step("/x", expect={"status": 404})), lambda _: (url, {}), folder=tmp_path)
    with pytest.raises(ProbeFailed, match="finds nothing"):
        run_probe(probe(step("/detect", take={"a": "boxes"})), lambda _: (url, {}), folder=tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ProbeFailed, match="no answer"):
        run_probe(probe(step("/detect")), lambda _: ("http://127.0.0.1:9", {}), folder=tmp_path)


def test_fields_of_a_form_are_filled_and_its_files_are_not() -> None:
    form = {"box": "{box}", "image": {"file": "a.jpg", "type": "image/jpeg"}}
    request = HttpRequest.model_validate({"method": "POST", "path": "/x", "form": form})

    found = filled(request, {"box": "1,2,3,4"}).form

    assert found["box"] == "1,2,3,4"
    assert found["image"] == request.form["image"]


def test_an_answer_cannot_change_the_bodys_structure() -> None:
    request = HttpRequest(method="POST", path="/x", body={"text": "{said}", "n": 1})

    assert filled(request, {"said": '", "n": 2, "x": "'}).body == {"text": '", "n": 2, "x": "', "n": 1}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"choices": [{"text": " Paris.\\n\\nThe"}], "usage": {}}', "Paris. The"),
        ('{"choices": [{"message": {"content": "Hi there"}}]}', "Hi there"),
        ("one\ntwo", "one two"),
        ('{"choices": null}', '{"choices": null}'),
        ('{"choices": [{"text": 3}]}', "3"),
        ("[1]", "[1]"),
        ("", ""),
    ],
)
def test_the_gist_of_an_answer_is_a_line(answer: str, expected: str) -> None:
    assert gist(answer) == expected


def test_the_gist_of_a_long_answer_is_its_beginning() -> None:
    said = gist(f'{{"data": [{", ".join(["0.1"] * 200)}]}}')

    assert said.startswith('{"data": [0.1, 0.1')
    assert len(said) < 130
