from __future__ import annotations

import pytest

from bakehouse.bake.failures import in_words, judge
from bakehouse.model.enums import Verdict

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
        (EXIT_1, ["npm ERR! code ECONNREFUSED", "bakehouse: npm could not install"], Verdict.ERRORED),
        (EXIT_1, ["npm ERR! code EAI_AGAIN"], Verdict.ERRORED),
        (EXIT_1, ["npm ERR! code SELF_SIGNED_CERT_IN_CHAIN"], Verdict.ERRORED),
        (
            EXIT_1,
            ["npm ERR! code EUSAGE", "npm ERR! package.json and package-lock.json are not in sync"],
            Verdict.FAILED,
        ),
        ("write /var/lib/x: no space left on device", [], Verdict.ERRORED),
    ],
)
def test_blame(message: str, tail: list[str], verdict: Verdict) -> None:
    assert judge(message, tail) is verdict


def test_a_step_that_says_why_it_fails_is_quoted() -> None:
    def words(tail: list[str]) -> str:
        return in_words(EXIT_1, dockerfile="x.Dockerfile", step="web-page 2/2", tail=tail)

    assert words(["npm ERR! 404"]) == "the step web-page 2/2 ended with exit code 1"
    assert words(["npm ERR! 404", "bakehouse: npm is out of reach", "npm notice"]) == (
        "the step web-page 2/2 ended with exit code 1: npm is out of reach"
    )
