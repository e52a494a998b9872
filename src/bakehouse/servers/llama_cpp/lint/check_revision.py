"""Whether sources are pinned, and against which revision a file can be held at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bakehouse.lint.finding import ALWAYS, Finding, Severity
from bakehouse.servers.llama_cpp.lint.revisions import Kind, Revision, is_newest

_PIN = "git fetch --depth 1 ADDRESS COMMIT, or a build context with a commit"


@dataclass(frozen=True, kw_only=True, slots=True)
class AtHand:
    """The revision that options are known of."""

    commit: str
    build: int | None = None
    """Its build number: upstream's tag is `b` with it."""
    package: str | None = None
    """The version of llama-cpp-python that holds it."""

    @property
    def short(self) -> str:
        return self.commit[:9]


def check_revisions(found: Iterable[Revision], at_hand: AtHand) -> Iterator[Finding]:
    for one in found:
        yield from _check_pin(one, at_hand)
        if _path(one.address.text).startswith("/ggerganov/llama.cpp"):
            yield _note(one, "has moved", "It still works by a redirection.", "https://github.com/ggml-org/llama.cpp")
        if one.llama and (one.kind is not Kind.BRANCH or _is_other(one, at_hand)) and not _is_known(one, at_hand):
            yield _checked_against(one, at_hand)


def _check_pin(one: Revision, at_hand: AtHand) -> Iterator[Finding]:
    if not one.source or one.kind is not Kind.BRANCH:
        return
    held = f" This file is checked against llama.cpp {at_hand.short}." if one.llama else ""
    yield Finding(
        severity=Severity.WARNING,
        where=(one.ref or one.address).where,
        subject=one.ref.text if one.ref else one.address.text,
        what="is a branch, which is no pin" if one.ref else "is not pinned",
        why=f"Every build takes what is newest that day, and its options with it.{held}",
        instead=_PIN,
    )


def _is_known(one: Revision, at_hand: AtHand) -> bool:
    return one.is_at(at_hand.commit, at_hand.build) or (
        not one.source and at_hand.package is not None and one.name == at_hand.package
    )


def _checked_against(one: Revision, at_hand: AtHand) -> Finding:
    what = f"is checked against llama.cpp {at_hand.short}"
    if one.fork:
        why = "It is not llama.cpp itself: what is said of options, arguments and variables may not hold for it."
        return _note(one, what, why, "")
    if one.kind is Kind.UNKNOWN:
        return _note(one, what, "A build argument decides which revision is built.", "")
    why = f"The options of {one.name} are not at hand: what would be an error there may be right here, and is a note."
    return _note(one, what, why, "")


def _note(one: Revision, what: str, why: str, instead: str) -> Finding:
    where = one.address.where
    return Finding(severity=Severity.NOTE, where=where, subject=one.address.text, what=what, why=why, instead=instead)


# ---------------------------------------------------------------------------------------------- other revisions


def other_revision(found: Sequence[Revision], at_hand: AtHand) -> Revision | None:
    """The first source that is pinned to something whose options are not known, else one of which a build argument
    decides; None where all are as good as known.
    """
    others = [one for one in found if one.llama and _is_other(one, at_hand)]
    unknown = [one for one in found if one.llama and one.kind is Kind.UNKNOWN]
    return next(iter((*others, *unknown)), None)


def _is_other(one: Revision, at_hand: AtHand) -> bool:
    if _is_known(one, at_hand):
        return False
    return one.fork or one.kind is Kind.PINNED or (one.kind is Kind.BRANCH and not is_newest(one.ref))


def lowered(findings: Iterable[Finding], other: Revision | None, at_hand: AtHand) -> Iterator[Finding]:
    """What only the revision at hand says becomes a note where a file builds another one, and a warning where nobody
    knows which one it builds.

    A fact that says since which build it holds stays an error for a newer build.
    """
    for one in findings:
        if other is not None and other.kind is Kind.UNKNOWN and not other.fork:
            doubt = one.by_revision and one.severity is Severity.ERROR
            why = f"{one.why} That is so in {at_hand.short}; a build argument decides what is built here."
            yield replace(one, severity=Severity.WARNING, why=why.strip()) if doubt else one
            continue
        if other is None or not one.by_revision or one.severity is Severity.NOTE or _still_true(one, other):
            yield one
            continue
        known = f"That is so in {at_hand.short}; {_short(other)} is built here."
        yield replace(one, severity=Severity.NOTE, why=f"{one.why} {known}".strip())


def _still_true(one: Finding, other: Revision) -> bool:
    if other.fork or one.since_build is None:
        return False
    return one.since_build == ALWAYS or (other.build is not None and other.build >= one.since_build)


def _short(other: Revision) -> str:
    name = other.name
    repository = re.sub(r"\.git$", "", _path(other.address.text).strip("/"))
    name = name[:9] if re.fullmatch(r"[0-9a-f]{40}", name) else name
    return f"{name} of {repository}" if other.fork and repository else name


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # a bracket of IPv6 that nothing closes
        return ""
