"""Many at a time, and texts that are too long: what forms of recipe.yaml cannot say."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path

import requests

from bakehouse.suite.session import Server

PICTURE = (Path(__file__).parent / "pictures" / "astronaut.jpg").read_bytes()
ASKED = {
    "<CAPTION>": "a person in an orange suit",
    "<OCR>": "NASA flight 7",
    "<MORE_DETAILED_CAPTION>": (
        "The image shows a person in an orange suit. Behind stands a flag. On the right there is a small rocket."
    ),
    "<DETAILED_CAPTION>": "The image shows a person in an orange suit before a flag.",
}


def extract(server: Server, prompt: str) -> requests.Response:
    return requests.post(f"{server.url}/extract", files={"image": PICTURE}, data={"prompt": prompt}, timeout=120)


def test_those_who_ask_together_get_their_own_answers(server: Server) -> None:
    """Prompts and answers of different lengths share inferences."""
    prompts = list(ASKED) * 3
    with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
        answers = list(pool.map(lambda prompt: extract(server, prompt).json(), prompts))

    assert [one["result"] for one in answers] == [ASKED[prompt] for prompt in prompts]


def test_a_text_of_100_000_characters_is_refused(server: Server) -> None:
    answer = extract(server, "<OPEN_VOCABULARY_DETECTION>" + "a cat " * 17_000)

    assert answer.status_code == 413
    assert "MAX_CHARACTERS" in answer.json()["error"]["message"]


def test_a_text_of_more_tokens_than_the_model_reads_is_refused(server: Server) -> None:
    answer = extract(server, "<OPEN_VOCABULARY_DETECTION>" + "\N{SNOWMAN}" * 500)

    assert answer.status_code == 413
    assert "tokens" in answer.json()["error"]["message"]
