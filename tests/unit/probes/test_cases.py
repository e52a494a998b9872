"""Declared probes against a small server that answers, and one that lies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bakehouse.engine.container import Finished
from bakehouse.model.cases import Case, HttpRequest
from bakehouse.probes import ProbeFailed, cases

FACTS = {"version": "1.2.0"}
ANSWER = {"version": "1.2.0", "data": [{"embedding": [0.25, -0.5], "ok": True}], "note": None, "count": 3}


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, bytes]]] = []
    failures: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.path, self.headers.get("Content-Type") or "", body))
        status = self.failures.pop() if self.failures else 200
        text = b"plain" if self.path == "/text" else json.dumps(ANSWER).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Handler.seen.clear()
    Handler.failures.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def case(expect: dict[str, Any] | None = None, **changes: Any) -> Case:
    row = {"name": "a", "http": {"path": "/x"}, "expect": expect or {}} | changes
    return Case.model_validate(row)


def ask(one: Case, url: str, folder: Path = Path()) -> str:
    return cases.asks(one, url=url, folder=folder, facts=FACTS, sleep=lambda _: None)


@pytest.mark.parametrize(
    "values",
    [
        {"version": "{version}"},
        {"data[0].embedding": {"length": 2}},
        {"data[0].embedding[0]": {"min": 0.2, "max": 0.3}},
        {"data[0].ok": True, "note": None, "count": 3},
        {"count": 3.0},
        {"version": {"matches": r"^\d+\.\d+\.\d+$"}},
        {"data[0].embedding": {"equals": (0.25, -0.5)}},
        {"length(data)": 1},
    ],
)
def test_passes_what_holds(url: str, values: dict[str, Any]) -> None:
    assert ask(case({"values": values}), url).startswith("200")


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ({"status": 404}, "status 200, expected 404"),
        ({"status": (404, 410)}, "expected 404 or 410"),
        ({"values": {"version": "9"}}, 'version is "1.2.0", expected "9"'),
        ({"values": {"nothing.here": "x"}}, "nothing.here is null"),
        ({"values": {"data[0].ok": 1}}, "is true, expected 1"),
        ({"values": {"count": True}}, "is 3, expected true"),
        ({"values": {"count": {"min": 4}}}, "expected at least 4"),
        ({"values": {"count": {"max": 2}}}, "expected at most 2"),
        ({"values": {"data[0].ok": {"min": 0}}}, "is true, expected at least 0"),
        ({"values": {"count": {"length": 3}}}, "has no length"),
        ({"values": {"note": {"equals": 0}}}, "is null, expected 0"),
        ({"values": {"version": {"matches": "^2"}}}, "expected '\\^2' in it"),
        ({"headers": {"content-type": "text/html"}}, "header content-type is 'application/json'"),
        ({"headers": {"x-none": "."}}, "no header x-none"),
        ({"text": "absent"}, "'absent' is not in it"),
        ({"values": {"length(count)": 1}}, r"length\(count\):"),
    ],
)
def test_fails_what_does_not(url: str, expect: dict[str, Any], message: str) -> None:
    with pytest.raises(ProbeFailed, match=message) as caught:
        ask(case(expect), url)

    assert "it answered: 200" in caught.value.message


def test_means_the_same_when_the_suite_has_read_it_back(url: str) -> None:
    values = {"count": {"min": 1}, "note": {"equals": None}, "version": "1.2.0", "data": {"length": 1}}
    one = case({"values": values})

    again = Case.model_validate_json(one.model_dump_json())

    assert again == one
    assert ask(again, url).startswith("200")
    with pytest.raises(ProbeFailed, match="count is 3, expected null"):
        ask(Case.model_validate_json(case({"values": {"count": {"equals": None}}}).model_dump_json()), url)


def test_says_everything_that_is_wrong_at_once(url: str) -> None:
    with pytest.raises(ProbeFailed, match=r"status 200, expected 201; no header x; count is 3"):
        ask(case({"status": 201, "headers": {"x": "."}, "values": {"count": 4}}), url)


def test_an_answer_that_is_no_json(url: str) -> None:
    with pytest.raises(ProbeFailed, match="the answer is no JSON"):
        ask(case({"values": {"a": 1}}, http={"path": "/text"}), url)


def test_sends_json_text_and_files(url: str, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    post = {"method": "POST", "path": "/p"}

    ask(case(http=post | {"body": {"input": ("a", "b")}}), url)
    ask(case(http=post | {"body": "{broken", "headers": {"Content-Type": "application/json"}}), url)
    ask(case(http=post | {"file": "picture"}), url, tmp_path)
    ask(case(http=post | {"body": {}, "padding": "1 KiB"}), url)

    first, second, third, fourth = Handler.seen
    assert first[1:] == ("application/json", b'{"input": ["a", "b"]}')
    assert second[1:] == ("application/json", b"{broken")
    assert third[2] == b"\xff\xd8"
    assert len(fourth[2]) == 2 + 1024
    assert json.loads(fourth[2]) == {}


def test_a_file_is_one_of_the_recipe(url: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe/body").symlink_to("../secret")
    with pytest.raises(ProbeFailed, match="leads out"):
        ask(case(http={"method": "POST", "path": "/p", "file": "body"}), url, tmp_path / "recipe")


def test_a_file_that_is_not_there(url: str, tmp_path: Path) -> None:
    with pytest.raises(ProbeFailed, match="No such file"):
        ask(case(http={"method": "POST", "path": "/p", "file": "none"}), url, tmp_path)


def test_tries_again_as_often_as_it_may(url: str) -> None:
    Handler.failures[:] = [503, 503]
    assert ask(case(retries=2), url).startswith("200")

    Handler.failures[:] = [503, 503]
    with pytest.raises(ProbeFailed, match="status 503"):
        ask(case(retries=1), url)


def test_a_server_that_is_gone() -> None:
    with pytest.raises(ProbeFailed, match="no answer: ConnectionError"):
        ask(case(), "http://127.0.0.1:9")


def finished(output: str, code: int = 0) -> Any:
    return lambda words: Finished(output=f"{words[0]}\n{output}", exit_code=code, oom_killed=False)


def test_runs_a_command() -> None:
    one = case({"text": "is {version}", "exit_code": 2}, http=None, exec=("python", "-V"))

    assert cases.runs(one, finished("it is 1.2.0", 2), facts=FACTS) == "it is 1.2.0"
    with pytest.raises(ProbeFailed, match=r"'is 1.2.0' is not in it; it ended with status 0, expected 2"):
        cases.runs(one, finished("fine"), facts=FACTS)


def test_returns_what_the_command_printed_last() -> None:
    one = case({"text": "b"}, http=None, exec=("python", "-V"))

    assert cases.runs(one, finished("a\nb\n"), facts=FACTS) == "b"


def test_a_form_is_sent_with_its_files(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\r\n\0")
    form = {"file": {"file": "a.wav", "type": "audio/wav"}, "model": "tiny"}

    ask(case(http={"method": "POST", "path": "/x", "form": form}), url, tmp_path)

    _, kind, body = Handler.seen[0]
    assert kind.startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n\0\r\n' in body
    assert b'name="model"\r\n\r\ntiny\r\n' in body


@pytest.mark.parametrize(
    ("http", "said"),
    [
        ({"body": "x", "form": {"a": "b"}}, "a body and a form"),
        ({"method": "GET", "form": {"a": "b"}}, "GET has no body"),
        ({"form": {"a": "b"}, "padding": "1 MiB"}, "pads a form"),
    ],
)
def test_a_form_that_cannot_be_sent_is_refused(http: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        case(http={"method": "POST", "path": "/x"} | http)


def test_a_long_text_is_named_by_its_length() -> None:
    asked = HttpRequest.model_validate(
        {"method": "POST", "path": "/x", "body": {"a": ["{7 characters}", "{7 characters} "], "b": 7}}
    )
    data, _ = cases.body_of(asked, Path())
    assert json.loads(data or b"") == {"a": ["word wo", "{7 characters} "], "b": 7}
    assert len(cases.lengthened("{100001 characters}")) == 100_001
