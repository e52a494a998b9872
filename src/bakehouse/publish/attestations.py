"""Statements about an image for those who pull it: tests, rates, how it was built, what is in it. Pure.

Each is an in-toto Statement (https://in-toto.io/Statement/v1) whose subjects are the index and the very image that was
run. They are drawn from reports alone, so the same reports give the same bytes.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bakehouse.model import annotations as names
from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Measurement, RunReport, Supplied
from bakehouse.publish import spdx
from bakehouse.publish.candidates import Candidate, Evidence
from bakehouse.publish.facts import Facts
from bakehouse.publish.hardware import machine_of
from bakehouse.registry.content import Manifest, artifact, canonical, digest_of

STATEMENT = "https://in-toto.io/Statement/v1"
BUILD_TYPE = "https://bakehouse.io/build/v1"
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuilderIdentity:
    """Who published: in CI the workflow, else this program by itself."""

    id: str
    source: str = ""
    """Repository that the matrix lies in."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> BuilderIdentity:
        if environ.get("GITHUB_ACTIONS") == "true":
            server = environ.get("GITHUB_SERVER_URL", "https://github.com")
            return cls(
                id=f"{server}/{environ.get('GITHUB_WORKFLOW_REF', environ.get('GITHUB_REPOSITORY', ''))}",
                source=f"{server}/{environ.get('GITHUB_REPOSITORY', '')}",
            )
        if environ.get("GITLAB_CI") == "true":
            project = environ.get("CI_PROJECT_URL", "")
            return cls(id=f"{project}/-/blob/{environ.get('CI_COMMIT_SHA', '')}/.gitlab-ci.yml", source=project)
        return cls(id="https://bakehouse.io/builder/local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Something to be attached to a digest."""

    predicate_type: str
    predicate: Mapping[str, Any]
    subjects: tuple[str, ...]
    """Digests: the index, and the image that it speaks of."""
    name: str
    """Of the repository, which is the subjects' name."""
    about: str
    """For people: `tests of embedder-cpu-amd64, run 20261127-174827-c1a10a`."""

    @property
    def key(self) -> tuple[str, str]:
        """What is said, apart from its signature: type and hash of the predicate."""
        return key(self.predicate_type, self.predicate)

    @property
    def content(self) -> bytes:
        return canonical(
            {
                "_type": STATEMENT,
                "subject": [
                    {"name": self.name, "digest": {"sha256": digest.removeprefix("sha256:")}}
                    for digest in self.subjects
                ],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )


def key(predicate_type: str, predicate: Mapping[str, Any]) -> tuple[str, str]:
    return predicate_type, digest_of(canonical(predicate))


def statements(
    candidates: Sequence[Candidate], index: str, *, name: str, facts: Mapping[str, Facts], builder: BuilderIdentity
) -> list[Statement]:
    """All of a variant. The signature of the index comes last."""
    found = []
    for candidate in candidates:
        subjects = (index, candidate.digest)
        for kind, predicate, about in _of(candidate, facts.get(candidate.digest, Facts()), builder):
            found.append(Statement(predicate_type=kind, predicate=predicate, subjects=subjects, name=name, about=about))
    return [*found, signature(index, name=name)]


def signature(digest: str, *, name: str) -> Statement:
    return Statement(
        predicate_type=names.SIGNATURE, predicate={}, subjects=(digest,), name=name, about="signature of the index"
    )


def _of(candidate: Candidate, facts: Facts, builder: BuilderIdentity) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    for one in candidate.evidence:
        where = f"{candidate.cell}, run {one.run.run}"
        if one.cell.checks or one.cell.tests:
            yield names.TEST_RESULT, test_result(one), f"tests of {where}"
        if any(measurement.counted for measurement in one.cell.measurements):
            yield names.MEASUREMENTS, measurements(one), f"rates of {where}"
    yield names.PROVENANCE, provenance(candidate.built, builder), f"provenance of {candidate.cell}"
    if facts.packages is not None:
        document = spdx.document(candidate, facts.packages)
        yield names.SBOM, document, f"{len(facts.packages)} packages of {candidate.cell}"


# ------------------------------------------------------------------------------------------------ predicates


def test_result(one: Evidence) -> dict[str, Any]:
    """https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md ; `cell`, `run` are ours."""
    results = [(f"proof/{check.name}", check.verdict) for check in one.cell.checks]
    results += [(test.name, test.verdict) for test in one.cell.tests]
    failed = [name for name, verdict in results if verdict in (Verdict.FAILED, Verdict.ERRORED)]
    return {
        "result": "FAILED" if failed else "PASSED",
        "configuration": [_configuration(one.run)],
        "passedTests": sorted({name for name, verdict in results if verdict is Verdict.PASSED}),
        "warnedTests": sorted({name for name, verdict in results if verdict in (Verdict.SKIPPED, Verdict.VOID)}),
        "failedTests": sorted(set(failed)),
        "cell": one.cell.name,
        "run": one.run.run,
        "time": _time(one.run.finished or one.run.started),
    }


test_result.__test__ = False  # type: ignore[attr-defined]  # pytest collects functions of this name


def _configuration(run: RunReport) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "bakehouse plan", "annotations": {"fingerprint": run.fingerprint}}
    if hexadecimal := _HEX.fullmatch(run.fingerprint):
        found["digest"] = {"sha256": hexadecimal[1]}
    return found


def measurements(one: Evidence) -> dict[str, Any]:
    """Figures for people, and every sample, so that the next image can be judged beside this one."""
    return {
        "cell": one.cell.name,
        "run": one.run.run,
        "time": _time(one.run.started),
        "bakehouse": one.run.bakehouse,
        "machine": machine_of(one.run, one.cell).to_json(),
        "figures": [_figure(measurement) for measurement in one.cell.measurements if measurement.counted],
        "measurements": [_bare(measurement) for measurement in one.cell.measurements],
    }


def _figure(measurement: Measurement) -> dict[str, Any]:
    grading = measurement.grading
    return {
        "workload": measurement.workload,
        "metric": measurement.metric,
        "unit": measurement.unit,
        "median": statistics.median(measurement.counted),
        "low": grading.low if grading else None,
        "high": grading.high if grading else None,
        "grade": str(measurement.grade),
    }


def _bare(measurement: Measurement) -> dict[str, Any]:
    """Without what each request said, and without the server's arguments, which may hold a path."""
    found = measurement.model_dump(mode="json", exclude={"samples": {"__all__": {"raw"}}, "limits": True})
    return {name: value for name, value in found.items() if value not in (None, [], {}, "")}


def provenance(one: Evidence, builder: BuilderIdentity) -> dict[str, Any]:
    """https://slsa.dev/spec/v1.0/provenance ; the build type's parameters are the cell's coordinates."""
    run, cell = one.run, one.cell
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"cell": cell.name, **_coordinates(cell)},
            "internalParameters": {"bakehouse": run.bakehouse, "fingerprint": run.fingerprint},
            "resolvedDependencies": [*_project(run, builder), *map(_dependency, run.supplies_of(cell))],
        },
        "runDetails": {
            "builder": {"id": builder.id, "version": {"bakehouse": run.bakehouse}},
            "metadata": {
                "invocationId": run.run,
                "startedOn": _time(run.started),
                **({"finishedOn": _time(run.finished)} if run.finished else {}),
            },
        },
    }


def _coordinates(cell: CellReport) -> dict[str, str]:
    found = {
        "recipe": cell.recipe,
        "accelerator": cell.accelerator,
        "toolkit": cell.toolkit,
        "arch": cell.arch,
        "flagSet": cell.flag_set,
        "platform": cell.platform,
    }
    return {name: value for name, value in found.items() if value}


def _project(run: RunReport, builder: BuilderIdentity) -> list[dict[str, Any]]:
    """The repository of the matrix, where it is known."""
    if not run.revision:
        return []
    commit, _, dirty = run.revision.partition("-")
    found: dict[str, Any] = {"name": "matrix", "digest": {"gitCommit": commit}}
    if builder.source:
        found["uri"] = f"git+{builder.source}@{commit}"
    if dirty:
        found["annotations"] = {"dirty": "true"}
    return [found]


def _dependency(supplied: Supplied) -> dict[str, Any]:
    found: dict[str, Any] = {"name": f"{supplied.kind} {supplied.name}"}
    place = next((attempt.place for attempt in supplied.attempts if attempt.ok), "")
    if place:
        found["annotations"] = {"place": place}
    if hexadecimal := _HEX.fullmatch(supplied.identity):
        found["digest"] = {"sha256": hexadecimal[1]}
    elif _COMMIT.fullmatch(supplied.identity):
        found["digest"] = {"gitCommit": supplied.identity}
    elif supplied.identity:
        found.setdefault("annotations", {})["identity"] = supplied.identity
    return found


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


# ------------------------------------------------------------------------------------------------ as referrers


def referrer(bundle: bytes, *, predicate_type: str, subject: Manifest) -> Manifest:
    """The manifest by which a bundle is attached to what it speaks of, as cosign 3 writes it."""
    return artifact(
        artifact_type=names.BUNDLE,
        layers={names.BUNDLE: bundle},
        subject=subject.descriptor,
        annotations={names.CONTENT: "dsse-envelope", names.PREDICATE_TYPE: predicate_type},
    )
