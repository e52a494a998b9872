"""Shell scripts: commands, the lines of their words, what is known of variables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.lint.script import Script, read_script


def read(text: str) -> Script:
    return read_script(text, file="run.sh")


def commands(text: str) -> list[list[str]]:
    return [[word.text for word in one.words] for one in read(text).commands]


def test_continued_lines_keep_their_numbers() -> None:
    (one,) = read("# first\ncmake -B b \\\n  -DX=1 \\\n  -DY=2\n").commands
    assert [(word.text, word.where.line) for word in one.words] == [
        ("cmake", 2),
        ("-B", 2),
        ("b", 2),
        ("-DX=1", 3),
        ("-DY=2", 4),
    ]


def test_a_text_in_no_file_has_no_lines() -> None:
    (one,) = read_script("cmake -DX=1", file="--cmake", first_line=None).commands
    assert one.words[0].where.line is None


def test_variables_are_known_once_assigned() -> None:
    assert commands("M=/a.gguf\nrun $M ${N:-3} '$M'\n") == [["run", "/a.gguf", "3", "$M"]]
    assert not read("run $M\nM=1\n").commands[0].words[1].complete


def test_a_variable_with_two_values_is_not_known() -> None:
    (one,) = read("if x; then M=1; else M=2; fi\nrun $M\n").commands[-1:]
    assert not one.words[1].complete


def test_arrays_are_lists_of_words() -> None:
    text = 'A=(\n  -m "x y"\n  --flag\n)\nA+=(--more)\nrun "${A[@]}" "$@"\n'
    (one,) = read(text).commands
    assert [word.text for word in one.words] == ["run", "-m", "x", "y", "--flag", "--more", "$@"]
    assert not one.words[-1].complete


def test_redirections_are_no_words() -> None:
    assert commands("run a > log 2>&1 &\nrun b 2>/dev/null < in\nrun c &> log\n") == [
        ["run", "a"],
        ["run", "b"],
        ["run", "c"],
    ]


def test_here_documents_are_no_commands() -> None:
    assert commands("cat > f <<'EOF'\nrun --bad\nEOF\nrun ok\n")[-1] == ["run", "ok"]
    assert all("--bad" not in words for words in commands("cat <<EOF\nrun --bad\nEOF\n"))


def test_exports() -> None:
    found = read("export A=1 B=2\nC=3\nexport C\n")
    assert {one.name: one.value for one in found.variables} == {"A": "1", "B": "2", "C": "3"}
    assert found.exported == {"A", "B", "C"}


def test_words_of_the_shell_stand_before_programs() -> None:
    assert commands("if true; then sudo run a; fi\n")[1] == ["run", "a"]


@given(st.text(alphabet="ab $\\\"'\n(){}<>&|;#=-D", max_size=60))
def test_any_text_is_read(text: str) -> None:
    """And no word stands outside it."""
    for command in read(text).commands:
        for word in command.words:
            assert word.where.line is not None
            assert 1 <= word.where.line <= text.count("\n") + 1
