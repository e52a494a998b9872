from __future__ import annotations

import pytest

from bakehouse.bake.blame import judge
from bakehouse.model.words import Verdict

EXIT_1 = 'process "/bin/sh -c cmake ..." did not complete successfully: exit code: 1'


@pytest.mark.parametrize(
    ("message", "tail", "verdict"),
    [
        (EXIT_1, ["error: no member named 'x'"], Verdict.FAILED),
        (EXIT_1, ["the source does not know these options"], Verdict.FAILED),
        ("dockerfile parse error on line 3: unknown instruction: RUM", [], Verdict.FAILED),
        (EXIT_1.replace("1", "100"), ["E: Temporary failure resolving 'deb.debian.org'"], Verdict.ERRORED),
        (EXIT_1, ["fatal error: cannot write: No space left on device"], Verdict.ERRORED),
        ('process "/bin/sh -c x" did not complete successfully: exit code: 137', [], Verdict.ERRORED),
        ("rpc error: code = Unavailable desc = error reading from server: EOF", [], Verdict.ERRORED),
        (
            "failed to resolve source metadata for docker.io/library/x: dial tcp: lookup: no such host",
            [],
            Verdict.ERRORED,
        ),
        ("write /var/lib/x: no space left on device", [], Verdict.ERRORED),
    ],
)
def test_blame(message: str, tail: list[str], verdict: Verdict) -> None:
    assert judge(message, tail) is verdict
