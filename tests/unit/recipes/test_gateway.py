"""What the gateway's variables mean, and what is refused before it listens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from gateway.__main__ import arguments, read

KEY = "0123456789abcdef"
GIVEN = {"BACKENDS": "http://llama:8080, http://vllm:8000/", "API_KEY": KEY}


def words_after(option: str, words: list[str]) -> str:
    return words[words.index(option) + 1]


def test_variables_become_smgs_words_and_the_key_none_of_them() -> None:
    words = arguments(read(GIVEN | {"PORT": "9000", "HEALTH_INTERVAL_S": "2"}))

    assert words_after("--port", words) == "9000"
    assert words_after("--health-check-interval-secs", words) == "2"
    assert words[-3:] == ["--worker-urls", "http://llama:8080", "http://vllm:8000"]
    assert KEY not in " ".join(words)


def test_dead_backends_are_noticed_within_seconds() -> None:
    """smg looks every 60 s by itself, and takes three failures."""
    settings = read(GIVEN)

    assert settings.health_interval_s * settings.health_failures <= 10
    assert settings.breaker_s <= 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"BACKENDS": ""}, "BACKENDS is not set"),
        ({"API_KEY": ""}, "API_KEY or API_KEY_FILE is not set; AUTH=none lets everybody in"),
        ({"API_KEY": "short-secret"}, "API_KEY: string should have at least 16 characters"),
        ({"AUTH": "none"}, "AUTH=none, and yet API_KEY is set"),
        ({"API_KEY_FILE": "/run/secrets/key"}, "API_KEY and API_KEY_FILE are both set"),
        ({"BACKENDS": "llama:8080"}, "BACKENDS: 'llama:8080' is no address like"),
        ({"BACKENDS": "http://a/v1"}, "is no address like"),
        ({"BACKENDS": "http://user:password@a"}, "is no address like"),
        ({"PORT": "x"}, "PORT: input should be a valid integer"),
    ],
)
def test_what_is_wrong_is_named_and_no_key_is_shown(change: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        read(GIVEN | change)

    assert KEY not in str(caught.value)
    assert "short-secret" not in str(caught.value)


def test_everybody_may_ask_where_that_was_said() -> None:
    assert read({"BACKENDS": "http://a:1", "AUTH": "none"}).key() is None


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    given = {"BACKENDS": "http://a:1", "API_KEY_FILE": str(file)}
    with pytest.raises(ValueError, match=r"API_KEY_FILE=.*No such file"):
        read(given).key()
    file.write_text("short\n")
    with pytest.raises(ValueError, match="fewer than 16 characters"):
        read(given).key()
    file.write_text(f"{KEY}\n")
    assert read(given).key() == KEY
