"""Tells whether a failed build is the image's fault or the infrastructure's."""

from __future__ import annotations

import re

from bakehouse.model.enums import Verdict

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
    | \b(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTFOUND|EAI_AGAIN)\b
    | \b(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\b
    | path\ .*\ not\ found | grpc:\ the\ client\ connection
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words of BuildKit, containerd, apt, npm and the kernel that speak of the machine, the network or the engine."""

CANCELLED = re.compile(r"context canceled|cancell?ed", re.IGNORECASE)
"""What BuildKit says of the steps that it stopped because another one had failed."""

ENGINE_GONE = re.compile(
    r"cannot connect to the docker daemon|error reading from server|code = unavailable|client connection is closing",
    re.IGNORECASE,
)
NOT_PARSED = re.compile(r"dockerfile parse error on line (?P<line>\d+): (?P<why>.*)")

SAYS_WHY = re.compile(r"^bakehouse: (?P<why>.+)$", re.MULTILINE)
"""A line that a step of ours writes before it fails, for the person who reads the report."""

COMMAND_FAILED = re.compile(r"did not complete successfully: exit code: (?P<code>(?!137)\d+)")


def judge(message: str, tail: list[str]) -> Verdict:
    """FAILED if the image's own files or commands are wrong, ERRORED if the machine, the network or the engine is.

    `message` is BuildKit's error, `tail` the last lines of the failed step.
    """
    evidence = "\n".join(tail) if COMMAND_FAILED.search(message) else "\n".join([message, *tail])
    return Verdict.ERRORED if INFRASTRUCTURE.search(evidence) else Verdict.FAILED


def in_words(message: str, *, dockerfile: str, step: str, tail: list[str]) -> str:
    """One line: which file or step, why if the step says so, and that it is the engine's fault where it is.

    The command of a step, often long, is in the log; `step` is empty where no step failed.
    """
    first = message.splitlines()[0]
    if found := NOT_PARSED.search(first):
        return f"{dockerfile}:{found['line']}: {found['why']}"
    if ENGINE_GONE.search(first):
        return f"the Docker engine went away ({first})"
    if ended := COMMAND_FAILED.search(first):
        why = SAYS_WHY.search("\n".join(tail))
        return f"the step {step} ended with exit code {ended['code']}{': ' + why['why'] if why else ''}"
    return f"the step {step}: {first}" if step else first
