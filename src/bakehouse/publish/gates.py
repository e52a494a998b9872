"""What an image must have passed. A gate that could not run is a state of its own, with its reason. Pure."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from bakehouse.formatting import count, size
from bakehouse.history.paired import pairs
from bakehouse.model.enums import Change, Verdict
from bakehouse.model.publish import GateRule, Gates, Publish
from bakehouse.model.report import Measurement, TestResult
from bakehouse.publish.candidates import Candidate, Evidence
from bakehouse.publish.facts import Facts, Measured
from bakehouse.publish.hardware import MachineFacts, machine_of
from bakehouse.stats.judge import Judged, judge, looks_much_worse

_SHOWN = 5
_ALWAYS = ("health",)
"""Probes that say that an image runs: each must have passed somewhere. Others have their reasons to be skipped."""


class GateState(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    gate: str
    cell: str
    state: GateState
    reason: str
    rule: GateRule = GateRule.REPORTED
    details: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether the channel stays where it is because of it."""
        match self.rule:
            case GateRule.REQUIRED:
                return self.state is not GateState.PASSED
            case GateRule.WHEN_RUN:
                return self.state is GateState.FAILED
            case GateRule.REPORTED:
                return False


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSubject:
    """What a gate looks at."""

    candidate: Candidate
    facts: Facts
    policy: Publish
    present: Measured | None
    """What the channel names now; None: nothing."""


Found = tuple[GateState, str, tuple[str, ...]]


def all_gates(subject: GateSubject, gates: Gates) -> list[GateResult]:
    """Every gate, in the order of reports."""
    found = []
    for name, look in GATES.items():
        state, reason, details = look(subject)
        rule = getattr(gates, name)
        found.append(
            GateResult(
                gate=name, cell=subject.candidate.cell, state=state, reason=reason, rule=rule, details=details[:_SHOWN]
            )
        )
    return found


def proof(subject: GateSubject) -> Found:
    checks = [check for one in subject.candidate.evidence for check in one.cell.checks]
    failed = [f"{check.name}: {check.message}" for check in checks if check.verdict is Verdict.FAILED]
    errored = [f"{check.name}: {check.message}" for check in checks if check.verdict is Verdict.ERRORED]
    passed = sum(check.verdict is Verdict.PASSED for check in checks)
    if failed:
        return GateState.FAILED, f"{count(len(failed), 'proof')} failed, {failed[0]}", tuple(failed)
    if errored:
        return GateState.NOT_RUN, f"a proof could not be made, {errored[0]}", tuple(errored)
    if not passed:
        return GateState.NOT_RUN, "the image was not proved at rest: no run has its checks", ()
    return GateState.PASSED, f"{count(passed, 'proof')} at rest passed", ()


def probes(subject: GateSubject) -> Found:
    """Failed if it failed anywhere; passed if each of `_ALWAYS` passed somewhere. Else it was started nowhere."""
    tests = [test for one in subject.candidate.evidence for test in one.cell.tests]
    failed = [f"{test.name}: {test.message}" for test in tests if test.verdict is Verdict.FAILED]
    if failed:
        return GateState.FAILED, f"{count(len(failed), 'test')} failed, {_line(failed[0])}", tuple(map(_line, failed))
    passed = [test for test in tests if test.verdict is Verdict.PASSED]
    lacking = [probe for probe in _ALWAYS if not any(test.probe == probe for test in passed)]
    if lacking:
        return GateState.NOT_RUN, _why_not(lacking[0], tests), ()
    return GateState.PASSED, f"{count(len(passed), 'test')} of the running image passed", ()


def _why_not(probe: str, tests: Sequence[TestResult]) -> str:
    """A builder without the card can start nothing (tensorflow/build#167)."""
    own = [test for test in tests if test.probe == probe and test.message]
    if not own:
        return f"no run has a test of the kind {probe}"
    return f"{probe}: {own[-1].verdict}, {_line(own[-1].message)}"


def speed(subject: GateSubject) -> Found:
    """Beside the channel's present image: measured in turn, else as it was measured on the same machine."""
    if subject.present is None:
        return GateState.PASSED, "the channel names no image yet that it could be slower than", ()
    if subject.candidate.digest in subject.present.digests:
        return GateState.PASSED, "the channel names this image already", ()
    judged, why_not = _judged(subject, subject.present)
    return _of_verdicts(judged) if judged else (GateState.NOT_RUN, why_not, ())


def _of_verdicts(judged: Sequence[Judged]) -> Found:
    worse = [one for one in judged if one.verdict is Change.REGRESS]
    if worse:
        reason = f"{count(len(worse), 'figure')} worse than the channel's, {_words(worse)[0]}"
        return GateState.FAILED, reason, _words(worse)
    if doubtful := [one for one in judged if looks_much_worse(one)]:
        reason = f"{_figures(doubtful)} much worse and cannot be told, {_words(doubtful)[0]}"
        return GateState.NOT_RUN, reason, _words(doubtful)
    good = [one for one in judged if one.verdict in (Change.PASS, Change.IMPROVE)]
    open_ = _words([one for one in judged if one.verdict is Change.INCONCLUSIVE])
    if not good:
        return GateState.NOT_RUN, f"nothing can be told, {open_[0] if open_ else 'all figures are void'}", open_
    rest = f", {len(open_)} open" if open_ else ""
    return GateState.PASSED, f"{count(len(good), 'figure')} not worse than the channel's{rest}", open_


def _words(judged: Sequence[Judged]) -> tuple[str, ...]:
    return tuple(f"{one.workload} {one.metric}: {one.reason}" for one in judged)


def _figures(judged: Sequence[Judged]) -> str:
    return f"{count(len(judged), 'figure')} {'looks' if len(judged) == 1 else 'look'}"


def _judged(subject: GateSubject, present: Measured) -> tuple[list[Judged], str]:
    """What can be compared, or why nothing can."""
    reasons = ["this image was not measured"]
    for one in subject.candidate.evidence:
        if not one.cell.measurements:
            continue
        theirs, why_not = _of_the_present(one, present)
        if theirs is None:
            reasons.append(why_not)
            continue
        found = judge(pairs(one.cell.name, one.cell.measurements, theirs))
        if found:
            return found, ""
        reasons.append("no figure of it is one that gets a verdict")
    return [], reasons[-1]


def _of_the_present(one: Evidence, present: Measured) -> tuple[list[Measurement] | None, str]:
    baseline = one.cell.baseline
    if baseline and (baseline.image in present.digests or baseline.name in present.digests):
        return baseline.measurements, ""
    machine = machine_of(one.run, one.cell)
    for predicate in present.predicates:
        if predicate.get("cell") == one.cell.name and MachineFacts.read(predicate.get("machine")) == machine:
            return _measurements(predicate), ""
    others = {str(predicate.get("cell")) for predicate in present.predicates}
    if one.cell.name not in others:
        return None, "nothing is known of how fast the channel's image is"
    return None, "the channel's image was measured on another machine"


def _measurements(predicate: Mapping[str, Any]) -> list[Measurement]:
    """Those that this version understands."""
    found = []
    for one in predicate.get("measurements") or ():
        try:
            found.append(Measurement.model_validate(one))
        except ValidationError:
            continue
    return found


def within_size(subject: GateSubject) -> Found:
    image = subject.candidate.image
    budget = next((one.cell.size_budget for one in subject.candidate.evidence if one.cell.size_budget), None)
    if image is None or budget is None:
        return GateState.NOT_RUN, "its size was not read, or it has no budget", ()
    words = f"{size(image.bytes_unpacked)} of {size(budget)}"
    return (GateState.PASSED if image.bytes_unpacked <= budget else GateState.FAILED), words, ()


def freshness(subject: GateSubject) -> Found:
    """Outdated for longer than the policy allows. A base of which nothing is known says nothing."""
    bases, limit = subject.facts.bases, subject.policy.base_days
    known = [base for base in bases if base.newest]
    old = [
        f"{base.name} is {base.digest[:19]}, {base.age_days} days old, and has been {base.newest[:19]} since"
        for base in known
        if base.newest != base.digest and base.age_days is not None and base.age_days > limit
    ]
    if old:
        return GateState.FAILED, old[0], tuple(old)
    if not known:
        reason = next((f"{base.name}: {base.reason}" for base in bases if base.reason), "no run says what it stands on")
        return GateState.NOT_RUN, reason, ()
    return GateState.PASSED, f"{count(len(known), 'base')} not outdated for more than {limit} days", ()


def licences(subject: GateSubject) -> Found:
    packages = subject.facts.packages
    if packages is None:
        return GateState.NOT_RUN, subject.facts.why_no_packages, ()
    denied = [
        f"{package.name} {package.version}: {licence}"
        for package in packages
        for licence in package.licences
        if any(fnmatch.fnmatch(licence.lower(), pattern.lower()) for pattern in subject.policy.denied_licences)
    ]
    if denied:
        return GateState.FAILED, f"{count(len(denied), 'package')} under a licence that is denied", tuple(denied)
    silent = sum(not package.licences for package in packages)
    rest = f", {silent} say none" if silent else ""
    return GateState.PASSED, f"{count(len(packages), 'package')}, none under a licence that is denied{rest}", ()


def vulnerabilities(subject: GateSubject) -> Found:
    facts = subject.facts
    found = facts.vulnerabilities
    if found is None:
        return GateState.NOT_RUN, facts.why_no_vulnerabilities, ()
    lines = tuple(f"{one.id}: {one.package} {one.version}, fixed in {one.fixed_in}" for one in found)
    if lines:
        return (
            GateState.FAILED,
            f"{count(len(lines), 'known vulnerability', 'known vulnerabilities')}, {lines[0]}",
            lines,
        )
    if facts.database_days > subject.policy.vulnerability_days:
        return GateState.NOT_RUN, f"{facts.database} is {facts.database_days} days old: it knows nothing newer", ()
    kinds = Counter(package.kind for package in facts.packages or ())
    rest = f"; {count(kinds['pypi'], 'package')} of Python not looked up" if kinds["pypi"] else ""
    return GateState.PASSED, f"{count(kinds['deb'], 'Debian package')}, none is fixed by a newer one{rest}", ()


GATES: dict[str, Callable[[GateSubject], Found]] = {
    "proof": proof,
    "probes": probes,
    "speed": speed,
    "size": within_size,
    "freshness": freshness,
    "licences": licences,
    "vulnerabilities": vulnerabilities,
}
"""By the key of `gates` in the policy."""


def blocking(results: Iterable[GateResult]) -> list[GateResult]:
    return [one for one in results if one.blocks]


def _line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
