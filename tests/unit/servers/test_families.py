from __future__ import annotations

import pytest

from bakehouse.servers import SERVERS, ServerFamily


@pytest.mark.parametrize("name", SERVERS)
def test_every_family_can_be_told_its_model_and_its_port(name: str) -> None:
    server: ServerFamily = SERVERS[name]  # type: ignore[index]

    assert server.title
    assert server.health_path.startswith("/")
    for told in (server.model, server.port):
        assert told.environment or told.argument


def test_llama_cpp_says_build_and_commit() -> None:
    said = SERVERS["llama.cpp"].version_text(version="b11312", build_number=11312, commit="0c1e57098a" * 4)

    assert said == "build 11312, commit 0c1e57098"


def test_others_say_the_version_of_what_is_installed() -> None:
    assert SERVERS["openai"].version_text(version="0.33.0", build_number=0, commit="") == "0.33.0"


def test_llama_cpp_pins_what_changes_a_rate() -> None:
    pinned = SERVERS["llama.cpp"].pinned_arguments(slots=1, context=768, threads=6, offloads=True)

    assert pinned["--parallel"] == "1"
    assert pinned["--fit"] == "off"
    assert pinned["--threads"] == pinned["--threads-batch"] == "6"
    assert pinned["--n-gpu-layers"] == "999"
    assert pinned["--flash-attn"] in ("on", "off", "auto")  # without a value the server ends
    assert pinned["--ctx-size"] == "768"


def test_what_nothing_is_known_of_is_told_nothing() -> None:
    assert SERVERS["openai"].pinned_arguments(slots=4, context=768, threads=6, offloads=True) == {}
