"""Answers that are written at the same time: none is mixed up with another, and a client that leaves is forgotten."""

from __future__ import annotations

import concurrent.futures

import requests

from bakehouse.suite.session import Server


def complete(server: Server, prompt: str, tokens: int = 6) -> str:
    body = {"prompt": prompt, "max_tokens": tokens, "temperature": 0}
    answer = requests.post(f"{server.url}/v1/completions", json=body, timeout=240)
    answer.raise_for_status()
    return str(answer.json()["choices"][0]["text"])


def test_each_client_gets_its_own_answer(server: Server) -> None:
    prompts = ["The capital of France is", "The capital of Italy is"] * 3
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda prompt: complete(server, prompt), prompts))

    assert ["Paris" in answer for answer in answers] == [True, False] * 3


def test_a_client_that_leaves_holds_up_nobody(server: Server) -> None:
    body = {"prompt": "Once upon a time", "max_tokens": 4000, "temperature": 0, "stream": True}
    with requests.post(f"{server.url}/v1/completions", json=body, stream=True, timeout=240) as answer:
        next(answer.iter_lines())

    assert "Paris" in complete(server, "The capital of France is")
