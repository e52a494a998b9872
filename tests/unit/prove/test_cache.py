from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check, Image
from bakehouse.prove import cache
from bakehouse.prove.cache import Proof, ProofCache
from bakehouse.prove.expect import Expectation

PROMISE = Expectation(
    user="65532:65532",
    port=8080,
    entrypoint=("/app/server",),
    labels={"a": "b"},
    plugins=(),
    size_budget=100,
    forbidden_certificates=frozenset({"x", "y"}),
)


def proof(verdict: Verdict = Verdict.PASSED) -> Proof:
    image = Image(reference="r", digest="d", bytes_unpacked=1, bytes_compressed=1, layers=[], labels={})
    return Proof(image=image, checks=[Check(name="linkage", verdict=verdict, message="m")])


def test_the_same_image_and_promise_need_no_second_proof(tmp_path: Path) -> None:
    ProofCache(tmp_path).keep("sha256:1", PROMISE, proof(Verdict.FAILED))
    again = replace(PROMISE, forbidden_certificates=frozenset(["y", "x"]))
    assert ProofCache(tmp_path).recall("sha256:1", again) == proof(Verdict.FAILED)


def test_another_image_promise_or_check_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ProofCache(tmp_path)
    kept.keep("sha256:1", PROMISE, proof())
    assert kept.recall("sha256:2", PROMISE) is None
    assert kept.recall("sha256:1", replace(PROMISE, size_budget=99)) is None
    assert kept.recall("sha256:1", replace(PROMISE, codes=("sm_86",))) is None
    monkeypatch.setattr(cache, "_checks_in_force", lambda: "changed")
    assert kept.recall("sha256:1", PROMISE) is None


def test_what_could_not_be_checked_is_checked_again(tmp_path: Path) -> None:
    ProofCache(tmp_path).keep("sha256:1", PROMISE, proof(Verdict.ERRORED))
    assert ProofCache(tmp_path).recall("sha256:1", PROMISE) is None


def test_a_torn_record_is_as_good_as_none(tmp_path: Path) -> None:
    ProofCache(tmp_path).keep("sha256:1", PROMISE, proof())
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text()[:20])
    assert ProofCache(tmp_path).recall("sha256:1", PROMISE) is None


def test_old_proofs_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT", 3)
    for number in range(6):
        ProofCache(tmp_path).keep(f"sha256:{number}", PROMISE, proof())
    assert len(list(tmp_path.iterdir())) == 3
