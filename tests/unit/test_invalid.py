"""Each folder in tests/invalid is a project with a mistake, and the words that `bakehouse plan` finds for it.

`pytest --regenerate tests/unit/test_invalid.py` writes the words; read them as the person who made the mistake.
`arguments.txt` holds further arguments of `plan`; templates are only read with `--json`.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode

CASES = Path(__file__).parents[1] / "invalid"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_says_what_is_wrong(
    case: str, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CASES / case
    monkeypatch.setenv("COLUMNS", "120")
    arguments = folder / "arguments.txt"
    words = shlex.split(arguments.read_text()) if arguments.exists() else []

    code = main(["--root", str(folder), "plan", *words])

    said = capsys.readouterr().err
    expected = folder / "expected.txt"
    if pytestconfig.getoption("regenerate"):
        expected.write_text(said)
    assert said == expected.read_text()
    assert code is ExitCode.BAD_INPUT
