"""What people use llama-server for: an OpenAI client that streams, and a server that knows which model it runs."""

from __future__ import annotations

from pathlib import Path

import requests

from bakehouse.measure.loadgen.client import chat
from bakehouse.model.suite import Subject
from bakehouse.suite.session import Server

HELLO = [{"role": "user", "content": "Say hello."}]
TOKENS = 8


def test_streams_a_chat(server: Server) -> None:
    reply = chat(server.url, HELLO, output_tokens=TOKENS)

    assert reply.text.strip()
    assert reply.timings is not None
    assert reply.timings["predicted_n"] <= TOKENS
    assert reply.chunks > 1, "the answer came in one piece: it is not streamed"


def test_refuses_what_is_no_chat_with_400(server: Server) -> None:
    response = requests.post(f"{server.url}/v1/chat/completions", json={"messages": "hello"}, timeout=10)

    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_refuses_what_the_context_cannot_hold_with_400(server: Server) -> None:
    context = requests.get(f"{server.url}/props", timeout=10).json()["default_generation_settings"]["n_ctx"]
    prompt = "word " * (context + 100)
    answer = requests.post(f"{server.url}/v1/completions", json={"prompt": prompt, "max_tokens": 1}, timeout=60)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "exceed_context_size_error"


def test_serves_the_model_that_was_mounted(subject: Subject, server: Server) -> None:
    assert subject.model_path is not None
    properties = requests.get(f"{server.url}/props", timeout=10).json()

    assert Path(properties["model_path"]).name == Path(subject.model_path).name
