"""Reading Dockerfiles and the shell in them: every word with its line."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.lint.container_file import Contents, read_contents
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.lint.shell import split


def read(text: str) -> list[Contents]:
    return read_contents(read_dockerfile(textwrap.dedent(text), file="Dockerfile"))


def commands(text: str, **variables: str) -> list[list[str]]:
    return [[token.text for token in command] for command in split(text, variables)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a b && c || d; e | f", [["a", "b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ('-DX="-L/a -L/b"', [["-DX=-L/a -L/b"]]),
        ("a '$ORIGIN' b # a comment; not a command", [["a", "$ORIGIN", "b"]]),
        ("a -j$(nproc --all) $HOME `id -u`", [["a", "-j$(nproc --all)", "$HOME", "`id -u`"]]),
        ("(cd x && make)", [["cd", "x"], ["make"]]),
    ],
)
def test_words_as_a_shell_reads_them(text: str, found: list[list[str]]) -> None:
    assert commands(text) == found


def test_variables_are_filled_in_where_they_are_known() -> None:
    assert commands("a $X ${X}b ${Y:-2} ${Z}", X="1") == [["a", "1", "1b", "2", "${Z}"]]
    complete = [token.complete for token in split("a $X ${Z} '$Z' $(date)", {"X": "1"})[0]]
    assert complete == [True, True, False, True, False]


@given(st.text(alphabet="ab \"'\\$`(){}&|;#\n", max_size=40))
def test_any_text_is_split(text: str) -> None:
    assert all(0 <= token.offset < len(text) for command in split(text, {}) for token in command)


@given(st.text(alphabet="FROMUN ab\\\n#[]\"'<=E", max_size=80))
def test_any_file_is_read(text: str) -> None:
    read_contents(read_dockerfile(text, file="Dockerfile"))


def test_every_word_has_its_own_line() -> None:
    (one,) = read(
        """\
        # a comment
        FROM debian
        RUN cmake -B build \\
            # a comment in between

            -DA_B=ON \\
            -DC_D=OFF && \\
            cmake --build build
        """
    )
    ((_, step),) = list(one.steps)
    assert [(setting.name, setting.value, setting.where.line) for setting in step] == [
        ("A_B", "ON", 6),
        ("C_D", "OFF", 7),
    ]


def test_arguments_and_variables_reach_into_run_lines() -> None:
    one, two = read(
        """\
        ARG CUDA=12.9.1
        FROM nvidia/cuda:${CUDA}-devel AS build
        ARG CUDA
        ARG ARCHS="86;120"
        ENV FLAGS="-DX_Y=$CUDA -DZ_Y=1" MODE="fast mode"
        RUN cmake -DARCHS="$ARCHS" -DMODE="${MODE}" $FLAGS -DUNKNOWN=$SOMETHING
        FROM build
        RUN cmake -DARCHS:STRING=$ARCHS
        """
    )
    assert one.image == "nvidia/cuda:12.9.1-devel"
    ((_, step),) = list(one.steps)
    assert {setting.name: setting.value for setting in step} == {
        "ARCHS": "86;120",
        "MODE": "fast mode",
        "X_Y": "12.9.1",
        "Z_Y": "1",
        "UNKNOWN": "$SOMETHING",
    }
    assert [setting.complete for setting in step] == [True, True, True, True, False]
    ((_, inherited),) = list(two.steps)
    assert inherited[0].value == "86;120"


def test_the_old_form_of_env() -> None:
    (one,) = read("FROM debian\nENV LD_LIBRARY_PATH /a:/b\nENV A=1 B=2")
    assert [(one.name, one.value) for one in one.variables] == [("LD_LIBRARY_PATH", "/a:/b"), ("A", "1"), ("B", "2")]


def test_lists_in_json_keep_lines_and_quotes() -> None:
    (one,) = read('FROM debian\nENTRYPOINT ["llama-server"]\nCMD ["--model", "a b", \\\n  "--port", "80"]')
    assert [word.text for word in one.entrypoint] == ["llama-server"]
    assert [(word.text, word.where.line) for word in one.command] == [
        ("--model", 3),
        ("a b", 3),
        ("--port", 4),
        ("80", 4),
    ]


def test_shells_inside_commands_are_looked_into() -> None:
    (one,) = read('FROM debian\nRUN ["bash", "-c", "cmake -DA_B=ON"]\nCMD exec llama-server --port 80')
    assert [setting.name for _, step in one.steps for setting in step] == ["A_B"]
    assert [word.text for word in one.command] == ["llama-server", "--port", "80"]


def test_here_documents() -> None:
    (one,) = read(
        "FROM debian\nRUN --mount=type=cache,target=/c <<EOF\ncmake -DA_B=ON\napt-get install -y curl\nEOF\nUSER 1\n"
    )
    ((command, step),) = list(one.steps)
    assert step[0].where.line == 3
    assert command.has_cache
    assert [word.text for word in one.packages] == ["curl"]
    assert one.user is not None
    assert one.user.text == "1"


def test_another_escape_sign() -> None:
    (one,) = read("# escape=`\nFROM debian\nRUN cmake `\n -DA_B=ON\nUSER 5")
    assert [setting.where.line for _, step in one.steps for setting in step] == [4]


def test_what_a_stage_says_holds_for_those_that_stand_on_it() -> None:
    contents = read("FROM a AS base\nUSER 5\nEXPOSE 80\nHEALTHCHECK CMD curl localhost\nFROM base AS other\nFROM other")
    assert contents[-1].user is not None
    assert contents[-1].user.text == "5"
    assert [word.text for word in contents[-1].ports] == ["80"]
    assert contents[-1].health is not None


def test_the_image_is_the_last_stage_and_what_it_stands_on() -> None:
    file = read_dockerfile("FROM a AS build\nFROM b AS base\nFROM base", file="Dockerfile")
    assert [stage.image for stage in file.image] == ["b", "base"]


def test_what_is_quoted_begins_no_here_document() -> None:
    text = 'FROM a\nRUN echo \'<<EOF\' "<<EOF" -DX=<<EOF\nLABEL a="<<EOF"\nENV b=<<EOF\nUSER 1\n'
    [stage] = read_dockerfile(text, file="Dockerfile").stages
    assert [one.name for one in stage.instructions] == ["RUN", "LABEL", "ENV", "USER"]
