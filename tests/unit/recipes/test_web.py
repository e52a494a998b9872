"""A small service on the shared library, really running: what its clients and its orchestrator see."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from fastapi import FastAPI, Request
from PIL import Image
from service import protocol
from service.errors import answer
from service.logs import Lines
from service.pictures import Picture, decode
from service.pipeline import Pipeline
from service.settings import PictureSettings
from service.uploads import Options, receive
from service.web import Metrics, State, create, require_ready

from tests.unit.recipes.running import running


class Brightness:
    """A model that says how bright pictures are; it can be held, and can fail to load."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.failure: Exception | None = None
        self.loading = threading.Event()
        self.loading.set()
        self.seen: list[int] = []

    def load(self) -> None:
        self.loading.wait()
        if self.failure:
            raise self.failure

    def info(self) -> dict[str, Any]:
        return {"model": "brightness", "model_sha256": "0" * 64}

    def infer(self, pictures: Sequence[Picture]) -> list[int]:
        self.free.wait()
        found = [int(one.image.convert("L").getpixel((0, 0))) for one in pictures]  # type: ignore[arg-type] # grey has one
        self.seen += found
        return found


class Question(Options):
    least: int = 0


def application(model: Brightness, **settings: Any) -> FastAPI:
    given = PictureSettings(model=Path("x"), max_wait_ms=0.0, **settings)
    metrics = Metrics()
    state = State(model, metrics)
    pipeline: Pipeline[Picture, int] = Pipeline(model.infer, settings=given, metrics=metrics)
    app = create(
        state, settings=given, title="brightness", version="1.2.3", opened=pipeline.open, closed=pipeline.close
    )

    @app.post("/bright")
    async def bright(request: Request) -> dict[str, list[int]]:
        require_ready(state)
        contents, question = await receive(request, Question, given)
        _, found = await pipeline.run(contents, lambda one: decode(one, max_pixels=given.max_pixels))
        return {"bright": [one for one in found if one >= question.least]}

    @app.post("/bug")
    async def bug() -> None:
        raise RuntimeError("the client's secret")

    return app


@pytest.fixture
def model() -> Brightness:
    return Brightness()


@pytest.fixture
def url(model: Brightness) -> Iterator[str]:
    with running(application(model, max_body_bytes=50_000, max_pictures=4, max_queue=4, max_pixels=10_000)) as address:
        wait(address)
        yield address


def wait(url: str) -> requests.Response:
    """Until the model has loaded, or has failed to."""
    while (answer := requests.get(f"{url}/ready", timeout=10)).status_code == 503 and "still loading" in answer.text:
        time.sleep(0.01)
    return answer


def picture(brightness: int, size: int = 8) -> bytes:
    out = io.BytesIO()
    Image.new("L", (size, size), brightness).save(out, "PNG")
    return out.getvalue()


def error(answer: requests.Response) -> str:
    found = answer.json()["error"]
    assert found["code"] == answer.status_code
    assert found["type"] == ("invalid_request_error" if answer.status_code < 500 else "server_error")
    return str(found["message"])


class TestPictures:
    def test_as_a_form(self, url: str) -> None:
        files = [("a", picture(9)), ("b", picture(200))]
        assert requests.post(f"{url}/bright", files=files, timeout=10).json() == {"bright": [9, 200]}
        fields = {"least": "100"}
        assert requests.post(f"{url}/bright", files=files, data=fields, timeout=10).json() == {"bright": [200]}

    def test_as_base64(self, url: str) -> None:
        text = base64.b64encode(picture(7)).decode()
        for body in (
            {"image_base64": text},
            {"images_base64": [text]},
            {"image_base64": f"data:image/png;base64,{text}"},
        ):
            assert requests.post(f"{url}/bright", json=body, timeout=10).json() == {"bright": [7]}

    def test_as_the_body(self, url: str) -> None:
        headers = {"Content-Type": "image/png"}
        answer = requests.post(f"{url}/bright?least=8", data=picture(7), headers=headers, timeout=10)
        assert answer.json() == {"bright": []}


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "kind", "status", "message"),
        [
            (b"", "", 422, "no picture"),
            (b'{"image_base64": ', "application/json", 422, "the body is no JSON"),
            (b"[" * 20_000, "application/json", 422, "the body is no JSON"),
            (b"[]", "application/json", 422, "no JSON object"),
            (b"{}", "application/json", 422, "no picture"),
            (b'{"image_base64": ""}', "application/json", 422, "image_base64"),
            (b'{"image_base64": [1.5]}', "application/json", 422, "image_base64"),
            (b'{"image_base64": "?"}', "application/json", 422, "no base64"),
            (b'{"image_base64": "YQ==", "least": "x"}', "application/json", 422, "least"),
            (b'{"image_base64": "YQ==", "lest": 1}', "application/json", 422, "lest"),
            (b'{"image_base64": "YQ=="}', "application/json", 415, "JPEG, PNG, WEBP, BMP"),
            (b"x", "text/plain", 415, "Content-Type text/plain"),
            (b"x", "multipart/form-data", 422, "the form cannot be read"),
            (b"x", "multipart/form-data; boundary=y", 422, "the form cannot be read"),
            (b"x" * 60_000, "image/png", 413, "larger than 50000 bytes"),
        ],
    )
    def test_say_what_is_wrong(self, url: str, body: bytes, kind: str, status: int, message: str) -> None:
        answer = requests.post(f"{url}/bright", data=body, headers={"Content-Type": kind} if kind else {}, timeout=10)

        assert answer.status_code == status, answer.text
        assert message in error(answer)
        assert requests.get(f"{url}/ready", timeout=10).ok

    def test_a_body_of_unknown_length(self, url: str) -> None:
        """The client stops sending once it has sent too much, so that no answer is lost with the connection."""
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        connection.putrequest("POST", "/bright")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for _ in range(6):
            connection.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        assert connection.getresponse().status == 413
        connection.close()

    def test_too_many_pixels_and_too_many_pictures(self, url: str) -> None:
        large = requests.post(f"{url}/bright", files={"a": picture(1, 101)}, timeout=10)
        many = requests.post(f"{url}/bright", files=[("a", picture(1))] * 5, timeout=10)

        assert (large.status_code, many.status_code) == (413, 413)
        assert "MAX_PIXELS is 10000" in error(large)
        assert "5 pictures; MAX_PICTURES is 4" in error(many)

    def test_a_full_queue_asks_to_come_back(self, url: str, model: Brightness) -> None:
        model.free.clear()
        with ThreadPoolExecutor(1) as pool:
            four = pool.submit(requests.post, f"{url}/bright", files=[("a", picture(1))] * 4, timeout=60)
            while "inference_queue_items 4.0" not in requests.get(f"{url}/metrics", timeout=10).text:
                time.sleep(0.01)
            fifth = requests.post(f"{url}/bright", files={"a": picture(1)}, timeout=10)
            model.free.set()

            assert (fifth.status_code, fifth.headers["Retry-After"]) == (429, "1")
            assert four.result().json() == {"bright": [1, 1, 1, 1]}

    def test_a_bug_is_a_500_that_says_nothing(self, url: str) -> None:
        answer = requests.post(f"{url}/bug", timeout=10)
        assert (answer.status_code, error(answer)) == (500, "internal error")

    def test_half_a_character_of_a_client_breaks_no_answer(self) -> None:
        assert json.loads(bytes(answer(422, "there is no \ud800").body))["error"]["message"] == "there is no ?"

    def test_an_unknown_path(self, url: str) -> None:
        answer = requests.get(f"{url}/nowhere", timeout=10)
        assert (answer.status_code, error(answer)) == (404, "Not Found")


def metrics_say(url: str, line: str) -> None:
    until = time.monotonic() + 20
    while line not in requests.get(f"{url}/metrics", timeout=10).text:
        assert time.monotonic() < until, line
        time.sleep(0.01)


class Client:
    """A connection whose bytes a test chooses."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)

    def send(self, *pieces: bytes) -> None:
        """As far as the other side takes them."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self._socket.sendall(piece)

    def status(self) -> int:
        """Of the answer; 0 where the connection was cut off while we still sent."""
        try:
            return int(self._socket.recv(1000).split()[1])
        except (OSError, IndexError):
            return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


HEAD = b"POST /bright HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n"


class TestClientsThatMeanHarm:
    @pytest.mark.parametrize("line", [b"X: " + b"a" * 1000, b"X: a\r\n" * 200], ids=["one header", "many headers"])
    def test_a_head_without_an_end(self, url: str, line: bytes) -> None:
        with Client(url) as client:
            client.send(HEAD, *[line] * 2000)
            assert client.status() in (431, 0)
        assert requests.get(f"{url}/health", timeout=10).ok

    @pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHo"], ids=["silent", "half a head"])
    def test_a_head_that_does_not_come(self, url: str, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(protocol, "PATIENCE", 0.1)
        with Client(url) as client:
            client.send(sent)
            assert client.status() == 408

    def test_a_connection_that_is_kept_is_not_cut_off_between_requests(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(protocol, "PATIENCE", 0.1)
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        for _ in range(2):
            connection.request("GET", "/health")
            assert connection.getresponse().read()
            time.sleep(0.3)
        connection.close()

    def test_a_body_that_does_not_come(self, model: Brightness) -> None:
        with running(application(model, receive_s=0.2)) as url:
            wait(url)
            with Client(url) as client:
                client.send(HEAD, b"Content-Length: 100\r\n\r\nabc")
                assert client.status() == 408
            assert 'requests_refused_total{reason="slow"} 1.0' in requests.get(f"{url}/metrics", timeout=10).text

    def test_an_answer_may_take_longer_than_a_body(self, model: Brightness) -> None:
        with running(application(model, receive_s=0.2)) as url:
            wait(url)
            model.free.clear()
            threading.Timer(0.5, model.free.set).start()
            assert requests.post(f"{url}/bright", files={"a": picture(5)}, timeout=10).json() == {"bright": [5]}

    def test_many_bodies_at_a_time(self, model: Brightness) -> None:
        """Four that are not complete leave no room for a fifth; it gets it as soon as they are gone."""
        with running(application(model, max_body_bytes=50_000, max_bodies_bytes=165_000)) as url:
            wait(url)
            with contextlib.ExitStack() as stack:
                *others, fifth = [stack.enter_context(Client(url)) for _ in range(5)]
                for client in others:
                    client.send(HEAD, b"Content-Length: 50000\r\n\r\n", b"a" * 40_000)
                time.sleep(0.2)
                fifth.send(HEAD, b"Content-Length: 50000\r\n\r\n", b"a" * 40_000)
                assert fifth.status() == 429
            until = time.monotonic() + 10
            while requests.post(f"{url}/bright", files={"a": picture(5)}, timeout=10).status_code == 429:
                assert time.monotonic() < until

    def test_a_client_that_goes_is_no_error_of_ours(self, url: str, caplog: pytest.LogCaptureFixture) -> None:
        with Client(url) as client:
            client.send(HEAD, b"Content-Length: 100\r\n\r\nabc")
        until = time.monotonic() + 10
        while 'path="/bright",status="400"' not in requests.get(f"{url}/metrics", timeout=10).text:
            assert time.monotonic() < until
        assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


class TestClientsThatHangUp:
    def test_nobody_computes_for_them(self, url: str, model: Brightness) -> None:
        """One is computed, the second waits and goes, the third is served."""
        model.free.clear()
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(requests.post, f"{url}/bright", files={"a": picture(1)}, timeout=60)
            metrics_say(url, "inference_queue_items 1.0")
            body = picture(2)
            with Client(url) as second:
                second.send(HEAD, b"Content-Length: %d\r\n\r\n" % len(body), body)
                metrics_say(url, "inference_queue_items 2.0")
            metrics_say(url, 'http_requests_total{path="/bright",status="499"} 1.0')
            metrics_say(url, "inference_queue_items 1.0")
            third = pool.submit(requests.post, f"{url}/bright", files={"a": picture(3)}, timeout=60)
            metrics_say(url, "inference_queue_items 2.0")
            model.free.set()
            assert [one.result().json() for one in (first, third)] == [{"bright": [1]}, {"bright": [3]}]
        assert model.seen == [1, 3]

    def test_half_closed_is_not_gone(self, url: str) -> None:
        """A client that sends no more still reads."""
        body = picture(7)
        with Client(url) as client:
            client.send(HEAD, b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body), body)
            assert client.status() == 200


class TestReadiness:
    def test_alive_and_not_ready_while_it_loads(self, model: Brightness) -> None:
        model.loading.clear()
        with running(application(model)) as url:
            assert requests.get(f"{url}/health", timeout=10).json() == {"status": "ok"}
            assert [requests.head(f"{url}/{one}", timeout=10).status_code for one in ("health", "ready")] == [200, 503]
            answers = [requests.get(f"{url}/ready", timeout=10), requests.post(f"{url}/bright", timeout=10)]
            model.loading.set()
            assert [(one.status_code, error(one), one.headers["Retry-After"]) for one in answers] == [
                (503, "the model is still loading", "1")
            ] * 2
            assert wait(url).json() == {"status": "ready"} | model.info()

    def test_a_model_that_is_not_there_is_named(self, model: Brightness) -> None:
        model.failure = FileNotFoundError("MODEL: there is no file /models/x.onnx; mount it, or name another")
        with running(application(model)) as url:
            answer = wait(url)
            assert (answer.status_code, error(answer)) == (503, str(model.failure))
            assert requests.get(f"{url}/health", timeout=10).ok
            assert "service_ready 0.0" in requests.get(f"{url}/metrics", timeout=10).text

    def test_info_has_versions_and_digests(self, model: Brightness) -> None:
        with running(application(model, image_digest="sha256:abc")) as url:
            found = requests.get(f"{url}/info", timeout=10).json()
        assert found == {"service": "brightness", "version": "1.2.3", "image": "sha256:abc"} | model.info()


class TestEnd:
    def test_what_was_taken_is_finished(self, model: Brightness) -> None:
        model.free.clear()
        with ThreadPoolExecutor(1) as pool:
            with running(application(model)) as url:
                wait(url)
                taken = pool.submit(requests.post, f"{url}/bright", files={"a": picture(5)}, timeout=60)
                while "inference_queue_items 1.0" not in requests.get(f"{url}/metrics", timeout=10).text:
                    time.sleep(0.01)
                threading.Timer(0.2, model.free.set).start()
            assert taken.result().json() == {"bright": [5]}


class TestMetricsAndLogs:
    def test_names_of_the_field(self, url: str) -> None:
        requests.post(f"{url}/bright", files=[("a", picture(1))] * 3, timeout=10)
        requests.post(f"{url}/bright", data=b"x", headers={"Content-Type": "text/plain"}, timeout=10)
        found = requests.get(f"{url}/metrics", timeout=10).text

        for line in (
            'http_requests_total{path="/bright",status="200"} 1.0',
            'http_requests_total{path="/bright",status="415"} 1.0',
            'requests_refused_total{reason="format"} 1.0',
            "inference_items_total 3.0",
            'request_stage_seconds_count{stage="decode"} 3.0',
            "service_ready 1.0",
        ):
            assert line in found

    def test_an_error_is_logged_by_its_place_and_not_by_its_text(
        self, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        requests.post(f"{url}/bug", timeout=10)
        (record,) = [one for one in caplog.records if one.getMessage() == "a request failed"]
        line = Lines().format(record)
        found = json.loads(line)
        assert (found["error"], found["at"][-1].endswith(" bug")) == ("RuntimeError", True)
        assert "secret" not in line

    def test_logs_are_json_without_what_clients_sent(self) -> None:
        record = logging.LogRecord("service", logging.INFO, "x.py", 1, "ready", (), None)
        record.facts = {"seconds": 1.5, "model": Path("/models/x.onnx")}
        found = json.loads(Lines().format(record))
        assert (found["message"], found["level"], found["seconds"], found["model"]) == (
            "ready",
            "info",
            1.5,
            "/models/x.onnx",
        )
