"""The server's arguments: from its source, and in what its program prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.lint.options import Argument, load_options
from bakehouse.servers.llama_cpp.lint.help_text import differences, read_help
from bakehouse.servers.llama_cpp.lint.server_arguments import read_arguments
from tests.unit.projects import ROOT

SOURCE = r"""
    auto add_opt = [&](common_arg arg) { ctx.options.push_back(std::move(arg)); };
    // add_opt(common_arg({"--commented"}, "out", [](common_params &) {}));
    add_opt(common_arg(
        {"-c", "--ctx-size"}, "N",
        string_format("size of the context (default: %d, 0 = \"auto\")", params.n_ctx),
        [](common_params & params, int value) { params.n_ctx = value; }
    ).set_env("LLAMA_ARG_CTX_SIZE"));
    add_opt(common_arg({ "-fa", "--flash-attn" }, "[on|off|auto]", "use it",
        [](common_params & params, const std::string & value) {
            if (is_truthy(value)) { params.fa = 1; } else if (is_falsey(value)) { params.fa = 0; }
            else if (is_autoy(value)) { params.fa = 2; } else { throw std::runtime_error("unknown"); }
        }).set_env("LLAMA_ARG_FLASH_ATTN"));
    add_opt(common_arg(
        {"-lm", "--load-mode"}, "MODE", "how",
        [](common_params & params, const std::string & value) {
            if (value == "auto") { params.lm = 0; } else if (value == "none") { params.lm = 1; }
            else { throw std::invalid_argument("invalid value"); }
        }));
    add_opt(common_arg(
        {"-ngl", "--n-gpu-layers"}, "N", "layers",
        [](common_params & params, const std::string & value) {
            if (value == "auto") { params.ngl = -1; } else if (value == "all") { params.ngl = -2; }
            else { params.ngl = std::stoi(value); }
            if (params.ngl < 0) { throw std::invalid_argument("no"); }
        }));
    add_opt(common_arg(
        {"--warmup"}, {"--no-warmup"}, "warm up",
        [](common_params & params, bool value) { params.warmup = value; }
    ).set_examples({LLAMA_EXAMPLE_SERVER, LLAMA_EXAMPLE_CLI}));
    add_opt(common_arg({"--metrics"}, "metrics", [](common_params & params) { params.metrics = true; }));
    add_opt(common_arg(
        {"--lora-scaled"}, "FNAME", "SCALE", "two values",
        [](common_params & params, const std::string & fname, const std::string & scale) { params.lora(fname); }));
    add_opt(common_arg(
        {"--draft"}, "N", "the argument has been removed",
        [](common_params &, int) { arg_removed("use --spec-draft-n-max"); }));
    add_opt(common_arg({"--color"}, "colour", [](common_params &) {}).set_examples({LLAMA_EXAMPLE_CLI}));
    add_opt(common_arg({"--seed"}, "seed", [](common_params &) {}).set_excludes({LLAMA_EXAMPLE_SERVER}));
    add_opt(common_arg({"--metrics"}, "N", "again", [](common_params & params, int value) { params.metrics = value; }));
"""


def arguments() -> dict[str, Argument]:
    return {name: one for one in read_arguments(SOURCE) for name in one.names}


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("--ctx-size", "number"),
        ("-fa", "text"),
        ("--warmup", "nothing"),
        ("--metrics", "nothing"),
        ("--lora-scaled", "two"),
        ("-ngl", "text"),
    ],
)
def test_what_an_argument_takes_follows_from_its_handler(name: str, takes: str) -> None:
    assert arguments()[name].takes == takes


def test_hint_environment_and_negation() -> None:
    found = arguments()
    assert found["-c"].hint == "N"
    assert found["-c"].environment == "LLAMA_ARG_CTX_SIZE"
    assert found["--warmup"].negated == ("--no-warmup",)
    assert found["--draft"].removed == "use --spec-draft-n-max"


def test_choices_are_what_a_handler_compares_with_before_it_refuses_the_rest() -> None:
    found = arguments()
    assert found["--load-mode"].choices == ("auto", "none")
    assert {"on", "off", "auto", "true", "0", "-1"} <= set(found["--flash-attn"].choices)
    assert found["-ngl"].choices == ("auto", "all")
    assert found["-ngl"].number, "numbers are parsed as well"


def test_only_the_servers_own_and_each_once() -> None:
    assert "--color" not in arguments()
    assert "--seed" not in arguments()
    assert "--commented" not in arguments()
    assert [one.names for one in read_arguments(SOURCE)].count(("--metrics",)) == 1


HELP = """\
----- common params -----

-h,    --help, --usage                  print usage and exit
-c,    --ctx-size N                     size of the context, see --keep
                                        (env: LLAMA_ARG_CTX_SIZE)
-fa,   --flash-attn [on|off|auto]       use it
--fim-qwen-1.5b-default                 a model
--warmup, --no-warmup                   warm up
"""


def test_help_text() -> None:
    assert read_help(HELP) == {
        "-h": None,
        "--help": None,
        "--usage": None,
        "-c": "LLAMA_ARG_CTX_SIZE",
        "--ctx-size": "LLAMA_ARG_CTX_SIZE",
        "-fa": None,
        "--flash-attn": None,
        "--fim-qwen-1.5b-default": None,
        "--warmup": None,
        "--no-warmup": None,
    }


def test_differences_between_an_image_and_a_source() -> None:
    known = (Argument(names=("-c", "--ctx-size"), takes="number"), Argument(names=("--mlock",)))
    told = "-c,    --ctx-size N    size\n                (env: LLAMA_ARG_CTX_SIZE)\n--load-mode MODE    how\n"
    assert differences(known, told) == (
        "--load-mode is in --help and not in the source",
        "--mlock is in the source and not in --help",
        "--ctx-size: LLAMA_ARG_CTX_SIZE in --help, None in the source",
        "-c: LLAMA_ARG_CTX_SIZE in --help, None in the source",
    )


def test_the_pinned_sources_arguments_are_those_that_its_program_prints() -> None:
    """`llama-server-help.txt` is what the image of the pinned revision printed."""
    kept = load_options(ROOT, "llama-cpp")
    assert kept is not None
    assert differences(kept.arguments, (Path(__file__).parent / "llama-server-help.txt").read_text()) == ()
