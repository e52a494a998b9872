"""Command lines of the server and variables of the image."""

from __future__ import annotations

import pytest

from bakehouse.lint.finding import Finding
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.check_arguments import as_digits, check_arguments
from bakehouse.servers.llama_cpp.lint.check_environment import Stage, check_variable
from tests.unit.servers.llama_cpp.lint.facts import KNOWLEDGE, OPTIONS, WHERE, setting, told, words


def check(line: str, *variables: str) -> list[Finding]:
    environment = {one.name: one for one in map(setting, variables)}
    return list(check_arguments(words(line), OPTIONS, KNOWLEDGE, environment))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-m model.gguf -c 4096 --metrics",
        "--ctx_size 4096",
        "--flash-attn on --warmup",
        "--ctx-size -1",
        "--lora-scaled a.gguf 0.5 --port 80",
    ],
)
def test_what_the_server_takes(line: str) -> None:
    assert check(line) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--flash-attn --metrics", ["error --flash-attn: needs a value"]),
        ("--flash-attn --mlock", ["error --flash-attn: needs a value", "error --mlock: no longer exists"]),
        ("--flash-attn", ["error --flash-attn: needs a value"]),
        ("--ctx-size 32k", ["error --ctx-size: takes '32k' for 32"]),
        ("--ctx-size 8192.5", ["error --ctx-size: takes '8192.5' for 8192"]),
        ("--flash-attn yes", ["error --flash-attn: cannot be 'yes'"]),
        ("--ctx-size auto", ["error --ctx-size: cannot be 'auto'"]),
        ("--lora-scaled a.gguf --port 80", ["error --lora-scaled: needs a value"]),
        ("--port=8080", ["error --port=8080: is not an argument"]),
        ("--metric", ["error --metric: is not an argument of this revision"]),
        ("--metrics on", ["error on: is not an argument"]),
        ("--unknown 5 --metrics", ["error --unknown: is not an argument of this revision"]),
        ("--draft 4", ["error --draft: was removed"]),
        ("--no-warmup", ["warning --no-warmup: does harm in an image"]),
        ("--port 1 --port 2", ["warning --port: is listed twice"]),
    ],
)
def test_what_the_server_makes_of_it(line: str, what: list[str]) -> None:
    assert told(check(line)) == what


def test_what_to_write_instead() -> None:
    assert check("--flash-attn --metrics")[0].instead == "--flash-attn on"
    assert check("--port=8080")[0].instead == "two words: --port 8080"
    assert check("--metric")[0].instead == "--metrics, if that is what was meant"
    assert check("--draft 4")[0].instead == "use --spec-draft-n-max"
    assert check("--mlock")[0].instead == "--load-mode mlock"


def test_the_command_line_overrides_the_environment() -> None:
    assert told(check("--port 8080", "LLAMA_ARG_PORT=80")) == [
        "warning --port: overrides LLAMA_ARG_PORT of the same image"
    ]


def test_words_that_only_a_shell_knows_are_not_judged() -> None:
    line = [Word(text="--port", where=WHERE), Word(text="$PORT", where=WHERE, complete=False)]
    assert list(check_arguments(line, OPTIONS, KNOWLEDGE)) == []


def variable(text: str, stage: Stage = "image") -> list[str]:
    return told(check_variable(setting(text), OPTIONS, KNOWLEDGE, stage=stage))


@pytest.mark.parametrize(
    "text",
    [
        "LLAMA_ARG_PORT=8080",
        "LLAMA_ARG_FA=off",
        "LLAMA_ARG_NO_WARMUP=1",
        "LLAMA_ARG_WARMUP=off",
        "LLAMA_ARG_METRICS=1",
        "GGML_CUDA_P2P=1",
        "PATH=/usr/bin",
        "CUDA_LAUNCH_BLOCKING=0",
        "LD_LIBRARY_PATH=/app",
    ],
)
def test_variables_that_are_read(text: str) -> None:
    assert variable(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("LLAMA_ARG_PROT=8080", "is read by nothing"),
        ("LLAMA_ARG_PORT=eighty", "cannot be 'eighty'"),
        ("LLAMA_ARG_FA=yes", "cannot be 'yes'"),
        ("LLAMA_ARG_WARMUP=yes", "is neither on nor off"),
        ("LLAMA_ARG_METRICS=yes", "has no effect"),
        ("GGML_FORCE_SYNC=1", "never existed"),
        ("GGML_CUDA_GRAPHS=1", "is an option of CMake, not a variable"),
    ],
)
def test_variables_that_do_nothing(text: str, what: str) -> None:
    assert variable(text) == [f"error {text}: {what}"]


def test_a_variable_does_harm_where_it_is_in_force() -> None:
    assert variable("CUDA_LAUNCH_BLOCKING=1") == ["warning CUDA_LAUNCH_BLOCKING=1: does harm in an image"]
    assert variable("CUDA_VISIBLE_DEVICES=0", "build") == []
    assert variable("CUDA_VISIBLE_DEVICES=0") == ["warning CUDA_VISIBLE_DEVICES=0: does harm in an image"]
    assert variable("LD_LIBRARY_PATH=/cuda/lib64/stubs:/x") == [
        "error LD_LIBRARY_PATH=/cuda/lib64/stubs:/x: breaks the image"
    ]


def test_builds_may_have_variables_of_their_own() -> None:
    assert variable("LLAMA_VERSION=b1234", "build") == []


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        ("32k", "32768"),
        ("32K", "32768"),
        ("1M", "1048576"),
        ("65,536", "65536"),
        ("8_192", "8192"),
        ("4.5", "N, a number in digits"),
    ],
)
def test_a_number_as_the_server_reads_it(value: str, digits: str) -> None:
    assert as_digits(value) == digits


@pytest.mark.parametrize(
    ("line", "variables", "told"),
    [
        ("-ctv q8_0 -fa off", (), "-ctv"),
        ("--flash-attn off", ("LLAMA_ARG_CACHE_TYPE_V=q4_0",), "LLAMA_ARG_CACHE_TYPE_V=q4_0"),
        ("", ("LLAMA_ARG_CACHE_TYPE_V=q4_0", "LLAMA_ARG_FLASH_ATTN=off"), "LLAMA_ARG_CACHE_TYPE_V=q4_0"),
        ("-ctv q8_0 -fa on", (), ""),
        ("-ctv q8_0", (), ""),
        ("-ctv f16 -fa off", (), ""),
        ("-ctk q8_0 -fa off", (), ""),
    ],
)
def test_a_quantized_v_cache_needs_flash_attention(line: str, variables: tuple[str, ...], told: str) -> None:
    found = [one.subject for one in check(line, *variables) if one.what == "needs flash attention, which is off"]
    assert found == ([told] if told else [])
