from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from bakehouse.model.question import Question
from bakehouse.model.suite import Workload
from bakehouse.probes import ProbeFailed
from bakehouse.probes.question import answers_question, why_not_asked
from tests.doubles.fake_server import Behaviour, fake_server

FRANCE = "The capital of France is"


def asked(**fields: Any) -> Question:
    return Question.model_validate({"prompt": FRANCE, "expect": ("paris",)} | fields)


def workload(question: Question | None) -> Workload:
    return Workload(
        model_path="/m.gguf",
        model="gemma-3-270m",
        model_sha256="0" * 64,
        prompt_tokens=8,
        output_tokens=8,
        starts=1,
        repetitions=1,
        question=question,
    )


def test_the_answer_must_contain_the_word() -> None:
    with fake_server(Behaviour(content=" Paris.")) as url:
        assert answers_question(url, asked()) == " Paris."
    with (
        fake_server(Behaviour(content=" @@@@")) as url,
        pytest.raises(ProbeFailed, match="computes nonsense") as caught,
    ):
        answers_question(url, asked())
    assert caught.value.message == f"asked {FRANCE!r}, it answered ' @@@@', without 'paris'"


def test_a_question_that_is_refused() -> None:
    with fake_server(Behaviour(status=500)) as url, pytest.raises(ProbeFailed, match="HTTP 500"):
        answers_question(url, asked())


GEMMA = " a city in the south of the country, and it is the largest one"
"""What Gemma 3 270M makes of the prompt: it is right, and says no Paris."""


def test_another_model_is_not_held_to_the_first_ones_answer() -> None:
    assert why_not_asked(workload(None)) == (
        "nothing is known that the model gemma-3-270m must answer: models.gemma-3-270m.question in matrix.yaml would "
        "say it"
    )
    assert not why_not_asked(workload(asked()))
    of_gemma = asked(expect=("paris", "city"))
    with fake_server(Behaviour(content=GEMMA)) as url:
        assert answers_question(url, of_gemma) == GEMMA
        with pytest.raises(ProbeFailed):
            answers_question(url, asked())


def test_a_cell_without_a_model_is_asked_nothing() -> None:
    assert why_not_asked(None) == "the recipe measures no rates of tokens: what it must answer is in its cases"


def test_an_expression_may_be_searched() -> None:
    with fake_server(Behaviour(content="It is 42.")) as url:
        assert answers_question(url, asked(expect=(), matches=r"\b4\d\b"))
        with pytest.raises(ProbeFailed, match=r"without /\^4/"):
            answers_question(url, asked(expect=(), matches="^4"))


def test_a_template_goes_around_the_message() -> None:
    behaviour = Behaviour(content="Paris")
    with fake_server(behaviour) as url:
        answers_question(url, asked(prompt=None, message="Where?", template="<user>{message}<model>", max_tokens=5))
    assert (behaviour.requests[0]["prompt"], behaviour.requests[0]["n_predict"]) == ("<user>Where?<model>", 5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": None}, "one of the two"),
        ({"message": "Hello"}, "one of the two"),
        ({"template": "{message}"}, "a template needs a message"),
        ({"prompt": None, "message": "a", "template": "no place"}, "a template needs a message"),
        ({"expect": ()}, "needs expect"),
        ({"matches": "("}, "no regular expression"),
        ({"matches": "a{99999999999999999999}"}, "no regular expression"),
        ({"max_tokens": 0}, "greater than"),
    ],
)
def test_a_question_that_makes_no_sense(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        asked(**fields)


@contextmanager
def openai_server(said: dict[str, Any], bodies: list[tuple[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send({"data": [{"id": "m"}]})

        def do_POST(self) -> None:
            bodies.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send({"choices": [said]})

        def send(self, value: dict[str, Any]) -> None:
            text = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_chat_message_goes_through_the_servers_own_template() -> None:
    bodies: list[tuple[str, Any]] = []
    said = {"message": {"content": "Paris.", "reasoning_content": "France, so: "}}
    with openai_server(said, bodies) as url:
        answer = answers_question(url, asked(prompt=None, message="Which city?", max_tokens=64))
    assert answer == "France, so: Paris."
    (path, body) = bodies[0]
    assert path == "/v1/chat/completions"
    assert body["messages"] == [{"role": "user", "content": "Which city?"}]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("m", 64, 0)


def test_a_server_that_speaks_openais_words_only() -> None:
    bodies: list[tuple[str, Any]] = []
    with openai_server({"text": " Paris"}, bodies) as url:
        assert answers_question(url, asked(), openai=True) == " Paris"
    assert bodies[0][0] == "/v1/completions"


def test_an_answer_of_another_shape() -> None:
    with openai_server({"message": None}, []) as url, pytest.raises(ProbeFailed, match="unexpected"):
        answers_question(url, asked(prompt=None, message="x"))
