"""Whose fault a failed build is: the image's, or the infrastructure's."""

from __future__ import annotations

import re

from bakehouse.model.words import Verdict

INFRASTRUCTURE = re.compile(
    r"""
      no\ space\ left\ on\ device | disk\ quota\ exceeded
    | temporary\ failure\ (in\ name\ resolution|resolving) | could\ not\ resolve
    | connection\ (refused|reset|timed\ out) | network\ is\ unreachable | tls\ handshake\ timeout | i/o\ timeout
    | failed\ to\ fetch\ http | hash\ sum\ mismatch | certificate\ verify\ failed | unable\ to\ locate\ package.*update
    | cannot\ connect\ to\ the\ docker\ daemon | error\ reading\ from\ server | code\ =\ unavailable | unexpected\ eof
    | transport\ is\ closing | client\ connection\ is\ closing | broken\ pipe | no\ such\ host
    | failed\ to\ resolve\ source\ metadata | failed\ to\ do\ request | toomanyrequests
    | 50[234]\ (bad\ gateway|service|gateway)
    | cannot\ allocate\ memory | out\ of\ memory | signal:\ killed | exit\ code:\ 137
    | path\ .*\ not\ found | grpc:\ the\ client\ connection
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words of BuildKit, containerd, apt and the kernel that speak of the machine, the network or the engine."""

CANCELLED = re.compile(r"context canceled|cancell?ed", re.IGNORECASE)
"""What BuildKit says of the steps that it stopped because another one had failed."""

ENGINE_GONE = re.compile(
    r"cannot connect to the docker daemon|error reading from server|code = unavailable|client connection is closing",
    re.IGNORECASE,
)
NOT_PARSED = re.compile(r"dockerfile parse error on line (?P<line>\d+): (?P<why>.*)")

COMMAND_FAILED = re.compile(r"did not complete successfully: exit code: (?P<code>(?!137)\d+)")


def judge(message: str, tail: list[str]) -> Verdict:
    """FAILED if the image's own files or commands are wrong, ERRORED if the machine, the network or the engine is.

    `message` is BuildKit's error, `tail` the last lines of the failed step.
    """
    evidence = "\n".join(tail) if COMMAND_FAILED.search(message) else "\n".join([message, *tail])
    return Verdict.ERRORED if INFRASTRUCTURE.search(evidence) else Verdict.FAILED


def in_words(message: str, *, dockerfile: str, step: str) -> str:
    """One line: which file or step, and that it is the engine's fault where it is.

    The command of a step, often long, is in the log; `step` is empty where no step failed.
    """
    first = message.splitlines()[0]
    if found := NOT_PARSED.search(first):
        return f"{dockerfile}:{found['line']}: {found['why']}"
    if ENGINE_GONE.search(first):
        return f"the Docker engine went away ({first})"
    if ended := COMMAND_FAILED.search(first):
        return f"the step {step} ended with exit code {ended['code']}"
    return f"the step {step}: {first}" if step else first
