"""Who built an image, from what, what it passed and how fast it was: by signed statements attached to its digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakehouse.formatting import NOTHING, count, quantity, significant
from bakehouse.model import annotations as names
from bakehouse.publish.hardware import MachineFacts
from bakehouse.publish.reading import bundles
from bakehouse.publish.signing import Opened, Verifier
from bakehouse.registry.content import Manifest
from bakehouse.registry.copying import platforms, required
from bakehouse.registry.store import Source

_FIGURES = 4
_FIRST = ("work_rate", "decode_rate", "prompt_rate", "system_rate", "request_rate", "time_to_healthy")
"""Metrics that people ask for first."""
_UNIT = re.compile(r"seconds|bytes|ratio|joules/[a-z]+(?:[ -][a-z]+)*|[a-z]+(?:[ -][a-z]+)*/s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    name: str
    digest: str
    cell: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What can be said of an image, and what is missing."""

    reference: str
    digest: str
    annotations: Mapping[str, str]
    platforms: tuple[Platform, ...]
    statements: tuple[Opened, ...]
    key: str
    """Name of the key that all of it was checked with; empty: there was none."""
    problems: tuple[str, ...] = field(default=())

    @property
    def is_good(self) -> bool:
        return not self.problems

    def of(self, predicate_type: str) -> list[Opened]:
        """Valid statements of one type."""
        return [one for one in self.statements if one.predicate_type == predicate_type and one.valid]


def verify(store: Source, reference: str, *, name: str, key: Verifier | None) -> Verified:
    """Raises NoSuchContentError where there is no such image, and RegistryError."""
    manifest = required(store, reference)
    images = tuple(_platforms(store, manifest))
    statements = [opened for _, opened in bundles(store, manifest.digest, key)]
    return Verified(
        reference=name,
        digest=manifest.digest,
        annotations=manifest.annotations,
        platforms=images,
        statements=tuple(statements),
        key=key.name if key else "",
        problems=tuple(_problems(images, statements, key)),
    )


def _platforms(store: Source, manifest: Manifest) -> Iterator[Platform]:
    for one in platforms(store, manifest):
        platform = one.platform or {}
        words = "/".join(str(platform[part]) for part in ("os", "architecture", "variant") if platform.get(part))
        yield Platform(name=words or "one platform", digest=one.digest, cell=one.annotations.get(names.CELL, ""))


def _problems(images: Sequence[Platform], statements: Sequence[Opened], key: Verifier | None) -> Iterator[str]:
    """What is missing or wrong. Rates may be missing: whoever built it may not have had the card."""
    if key is None:
        yield "there is no public key to check signatures with (--key, or publish: signing: in matrix.yaml)"
    for one in statements:
        if not one.valid and key:
            yield f"{title(one.predicate_type)} does not count: {one.why_not}"
    valid = [one for one in statements if one.valid]
    if not any(one.predicate_type == names.SIGNATURE for one in valid):
        yield "it is not signed"
    for image in images:
        yield from _of_image(image, [one for one in valid if image.digest in one.subjects])


def _of_image(image: Platform, valid: Sequence[Opened]) -> Iterator[str]:
    tests = [one for one in valid if one.predicate_type == names.TEST_RESULT]
    if not tests:
        yield f"{image.name}: no test results are attached"
    for one in tests:
        if one.predicate.get("result") != "PASSED":
            failed = ", ".join(map(str, one.predicate.get("failedTests") or ())) or "no test is named"
            yield f"{image.name}: tests failed in run {one.predicate.get('run')}: {failed}"
    for predicate_type in (names.PROVENANCE, names.SBOM):
        if not any(one.predicate_type == predicate_type for one in valid):
            yield f"{image.name}: no {title(predicate_type)} is attached"


def title(predicate_type: str) -> str:
    return {
        names.SIGNATURE: "the signature",
        names.TEST_RESULT: "test result",
        names.MEASUREMENTS: "measurement",
        names.PROVENANCE: "provenance",
        names.SBOM: "list of packages (SBOM)",
    }.get(predicate_type, predicate_type)


# ------------------------------------------------------------------------------------------------ in words


def lines(found: Verified) -> Iterator[tuple[str, str]]:
    """A word and what it says, for people."""
    yield "is", f"{found.digest} ({', '.join(one.name for one in found.platforms)})"
    if version := found.annotations.get(names.VERSION):
        yield "version", f"{version}{_revision(found.annotations)}"
    for key, word in ((names.TOOLKIT, "toolkit"), (names.ARCHS, "code for"), (names.DRIVER_FLOOR, "driver")):
        if value := found.annotations.get(key):
            yield word, f"{value} or newer" if key == names.DRIVER_FLOOR else value.replace(",", ", ")
    for one in found.of(names.PROVENANCE):
        yield from _built(one.predicate)
    if found.of(names.SIGNATURE):
        yield "signed", f"by {found.key}"
    for one in found.of(names.TEST_RESULT):
        yield "passed", _passed(one.predicate)
    measured = found.of(names.MEASUREMENTS)
    for one in measured:
        yield "speed", _speed(one.predicate)
    if not measured:
        yield "speed", "no rates are attached"
    for one in found.of(names.SBOM):
        packages = max(0, len(one.predicate.get("packages") or ()) - 1)
        yield "holds", f"{count(packages, 'package')} ({one.predicate.get('name', NOTHING)})"


def _revision(annotations: Mapping[str, str]) -> str:
    revision = annotations.get(names.REVISION)
    return f", revision {revision}" if revision else ""


def _built(predicate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    details, definition = predicate.get("runDetails") or {}, predicate.get("buildDefinition") or {}
    metadata = details.get("metadata") or {}
    builder = (details.get("builder") or {}).get("id", NOTHING)
    run = metadata.get("invocationId", NOTHING)
    yield "built", f"{metadata.get('startedOn', NOTHING)} by {builder}, run {run}"
    told = [_dependency(one) for one in definition.get("resolvedDependencies") or ()]
    if told:
        yield "from", "; ".join(told)


def _dependency(one: Mapping[str, Any]) -> str:
    digest = one.get("digest") or {}
    value = digest.get("gitCommit") or digest.get("sha256") or (one.get("annotations") or {}).get("identity", "")
    return f"{one.get('name', NOTHING)} {str(value)[:12]}".strip()


def _passed(predicate: Mapping[str, Any]) -> str:
    passed, warned = len(predicate.get("passedTests") or ()), len(predicate.get("warnedTests") or ())
    failed = predicate.get("failedTests") or ()
    rest = f", {warned} skipped" if warned else ""
    rest += f", {len(failed)} FAILED" if failed else ""
    return (
        f"{count(passed, 'proof or test', 'proofs and tests')}{rest}: {predicate.get('cell')}, {predicate.get('time')}"
    )


def _speed(predicate: Mapping[str, Any]) -> str:
    machine = MachineFacts.read(predicate.get("machine"))
    figures = [one for one in predicate.get("figures") or () if isinstance(one, dict)]
    order = {metric: place for place, metric in enumerate(_FIRST)}
    best = sorted(figures, key=lambda one: order.get(str(one.get("metric")), len(order)))[:_FIGURES]
    words = "; ".join(_figure(one) for one in best)
    return f"{predicate.get('cell')} on {machine.title if machine else 'an unknown machine'}: {words or NOTHING}"


def _figure(one: Mapping[str, Any]) -> str:
    value = one.get("median")
    shown = NOTHING
    if isinstance(value, int | float):
        unit = str(one.get("unit", ""))
        shown = quantity(float(value), unit) if _UNIT.fullmatch(unit) else significant(float(value))
    grade = "" if one.get("grade") == "exact" else f" ({one.get('grade')})"
    return f"{one.get('workload')} {str(one.get('metric', '')).replace('_', ' ')} {shown}{grade}"
