"""The whole way through a registry that wants a password, with programs of others as readers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bakehouse.model.publish import Publish
from bakehouse.publish import retention, rollback
from bakehouse.publish.channel import channel_tag
from bakehouse.publish.cosign import CosignSigner
from bakehouse.publish.execute import Executor
from bakehouse.publish.plan import Outcome
from bakehouse.publish.reading import read_history, repository_state
from bakehouse.publish.signing import load_signer, new_key
from bakehouse.publish.steps import Delete
from bakehouse.publish.verify import verify
from bakehouse.registry.content import blob_of
from bakehouse.registry.copying import copy
from bakehouse.registry.layout import LayoutFolder, open_layout_tar, write_tar
from bakehouse.registry.store import DeniedError, Placed, opener
from tests.doubles.attached import copy_referrers
from tests.registry.conftest import PASSWORD, Real, RealWorld, Tool
from tests.unit.publish.conftest import KEY, signer
from tests.unit.publish.test_retention import RULES

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
POLICY = 'package signature\nimport rego.v1\nallow if input.predicate.result == "PASSED"\n'


def test_the_whole_way(real_world: RealWorld) -> None:
    """Staging, gates, channels, a worse image, rollback, retention, garbage collection."""
    world = real_world
    world.policy = Publish.model_validate(RULES)
    first = world.publish(world.run(world.cell(seed="1")))
    world.publish(world.run(world.cell(seed="1")), channel="stable")
    assert world.tag("nightly-cpu") == world.tag("stable-cpu") == world.tag("b11312-cpu-20261127")
    for night in range(4):
        world.day += timedelta(days=1)
        better = world.publish(world.run(world.cell(seed=f"b{night}", speed=110.0 + 10 * night)))
        assert better.plan.outcome is Outcome.MOVES
    world.day += timedelta(days=1)
    worse = world.publish(world.run(world.cell(seed="worse", speed=70.0)))
    assert worse.plan.outcome is Outcome.STAYS
    assert world.tag("nightly-cpu") == better.plan.index.digest
    _roll_back(world)
    assert world.tag("nightly-cpu") not in (better.plan.index.digest, None)
    for days in (70, 35):
        world.day += timedelta(days=days)
        gone = _prune(world)
    assert gone
    target, _ = world.stores()
    assert not any(target.resolve(digest) for digest in gone)
    world.real.collect_garbage()
    for name in ("stable-cpu", "nightly-cpu"):
        assert verify(target, name, name=name, key=signer().public).problems == ()
    assert world.tag("stable-cpu") == first.plan.index.digest


def _roll_back(world: RealWorld) -> None:
    target, staging = world.stores()
    state = repository_state(target, staging)
    plan = rollback.plan(
        channel="nightly",
        variant="cpu",
        rules=world.policy.channels["nightly"],
        history=read_history(target, "nightly", "cpu"),
        tags={channel_tag("nightly", "cpu"): state.tags["nightly-cpu"]},
        to=None,
        now=world.day,
    )
    Executor(target=target, staging=staging, images={}, signer=None, say=lambda _: None).execute(plan.steps)


def _prune(world: RealWorld) -> set[str]:
    target, staging = world.stores()
    steps = retention.plan(repository_state(target, staging), world.policy, roots={}, now=world.day)
    Executor(target=target, staging=staging, images={}, signer=None, say=lambda _: None).execute(steps)
    return {step.digest for step in steps if isinstance(step, Delete) and step.where == "target"}


def test_a_second_run_only_reads(real_world: RealWorld) -> None:
    run = real_world.run(real_world.cell())
    real_world.publish(run)
    before = len(real_world.real.requests)
    real_world.publish(run)
    sent = real_world.real.requests[before:]
    assert sent
    assert {line.split()[0] for line in sent} <= {"GET", "HEAD"}


def test_a_wrong_password_is_told_and_not_shown(real: Real, tmp_path: Path) -> None:
    content = (real.login / "config.json").read_text()
    entry = json.loads(content)["auths"][real.host]["auth"]
    (tmp_path / "config.json").write_text(content.replace(entry, "cHVibGlzaGVyOndyb25n"))
    store = real.client("x/y")
    object.__setattr__(store.connection._credentials, "environ", {"DOCKER_CONFIG": str(tmp_path)})
    with pytest.raises(DeniedError, match="to publisher, from") as error:
        store.tags()
    assert PASSWORD not in str(error.value)
    assert PASSWORD not in (real.folder / "log").read_text()


@pytest.fixture
def cosign(real_world: RealWorld, tool: Callable[[str], Tool], tmp_path: Path) -> Callable[..., int]:
    """Exit status of a verification, by the key of a signer."""
    run = tool("cosign")

    def verified(verb: str, *more: str, key: bytes = signer().public.pem, digest: str) -> int:
        (tmp_path / "key.pub").write_bytes(key)
        words = ("--key", str(tmp_path / "key.pub"), "--private-infrastructure", "--allow-http-registry", *more)
        done = run(verb, *words, f"{real_world.reference}@{digest}", check=False)
        return done.code

    return verified


def test_cosign_believes_what_we_signed(real_world: RealWorld, cosign: Callable[..., int], tmp_path: Path) -> None:
    digest = real_world.publish(real_world.run(real_world.cell())).plan.index.digest
    (tmp_path / "ok.rego").write_text(POLICY)
    (tmp_path / "no.rego").write_text(POLICY.replace("PASSED", "FAILED"))
    assert cosign("verify", digest=digest) == 0
    for kind in (TEST_RESULT, "slsaprovenance1", "spdxjson", "https://bakehouse.io/attestation/measurements/v1"):
        assert cosign("verify-attestation", "--type", kind, digest=digest) == 0, kind
    policy = ("--type", TEST_RESULT, "--policy")
    assert cosign("verify-attestation", *policy, str(tmp_path / "ok.rego"), digest=digest) == 0
    assert cosign("verify-attestation", *policy, str(tmp_path / "no.rego"), digest=digest) == 1
    other = load_signer({"BAKEHOUSE_SIGNING_KEY": new_key().decode()})
    assert other
    assert cosign("verify", key=other.public.pem, digest=digest) == 1
    assert cosign("verify-attestation", "--type", TEST_RESULT, key=other.public.pem, digest=digest) == 1


def test_cosign_believes_nothing_unsigned(real_world: RealWorld, cosign: Callable[..., int]) -> None:
    planned = real_world.publish(real_world.run(real_world.cell(tests="failed")))  # type: ignore[arg-type]
    assert planned.plan.outcome is Outcome.STAYS
    target, _ = real_world.stores()
    assert target.tags() == []


def test_oras_and_skopeo_read_it(real_world: RealWorld, tool: Callable[[str], Tool], tmp_path: Path) -> None:
    runs = [
        real_world.run(real_world.cell(architecture=name), name=f"r-{name}", machine=name)
        for name in ("amd64", "arm64")
    ]
    digest = real_world.publish(*runs).plan.index.digest
    reference = f"{real_world.reference}:nightly-cpu"
    assert tool("oras")("resolve", "--plain-http", reference).stdout.strip() == digest
    found = json.loads(tool("oras")("discover", "--plain-http", "--format", "json", reference).stdout)
    kinds = {one["artifactType"] for one in found.get("referrers") or found.get("manifests")}
    assert "application/vnd.dev.sigstore.bundle.v0.3+json" in kinds
    raw = tool("skopeo")("inspect", "--tls-verify=false", "--raw", f"docker://{reference}").stdout
    assert {one["platform"]["architecture"] for one in json.loads(raw)["manifests"]} == {"amd64", "arm64"}
    archive = f"oci-archive:{tmp_path}/out.tar:nightly"
    tool("skopeo")("--insecure-policy", "copy", "--all", "--src-tls-verify=false", f"docker://{reference}", archive)
    assert open_layout_tar(tmp_path / "out.tar").resolve("nightly") == digest


def test_a_folder_is_read_by_others_and_comes_back(
    real_world: RealWorld, tool: Callable[[str], Tool], tmp_path: Path
) -> None:
    """Out of the registry into a tar file, and into another repository: the same digests, and all signatures."""
    run = real_world.run(real_world.cell())
    folder = LayoutFolder(tmp_path / "out")
    planned = real_world.plan(run, target=folder, staging=None)
    planned.execute()
    digest = planned.plan.index.digest
    assert verify(folder, "nightly-cpu", name="x", key=signer().public).problems == ()
    inspected = tool("skopeo")("inspect", "--raw", f"oci:{folder.folder}:nightly-cpu").stdout
    assert json.loads(inspected)["manifests"]
    assert tool("oras")("resolve", "--oci-layout", f"{folder.folder}:nightly-cpu").stdout.strip() == digest
    write_tar(folder, tmp_path / "out.tar")
    assert tool("skopeo")("inspect", "--raw", f"oci-archive:{tmp_path}/out.tar:nightly-cpu").stdout == inspected
    source, (target, _) = open_layout_tar(tmp_path / "out.tar"), real_world.stores()
    copy(digest, source=source, target=target, tag="back")
    copy_referrers(digest, source=source, target=target)
    assert verify(target, "back", name="x", key=signer().public).problems == ()


def test_what_cosign_attached_is_understood(real_world: RealWorld, tool: Callable[[str], Tool], tmp_path: Path) -> None:
    """Beside ours; its fallback index does not say what it lists (sigstore/cosign#4641)."""
    digest = real_world.publish(real_world.run(real_world.cell())).plan.index.digest
    run = tool("cosign")
    for name, verb in (("sc.json", "signing-config"), ("tr.json", "trusted-root")):
        run(verb, "create", "--out", str(tmp_path / name))
    (tmp_path / "key.pem").write_text(KEY)
    run(
        "import-key-pair",
        "--key",
        str(tmp_path / "key.pem"),
        "--output-key-prefix",
        str(tmp_path / "k"),
        COSIGN_PASSWORD="x",
    )
    (tmp_path / "p.json").write_text('{"note": "checked by hand"}')
    run(
        *("attest", "-y", "--key", str(tmp_path / "k.key"), "--type", "https://example.org/note/v1"),
        *("--predicate", str(tmp_path / "p.json"), "--allow-http-registry"),
        *("--signing-config", str(tmp_path / "sc.json"), "--trusted-root", str(tmp_path / "tr.json")),
        f"{real_world.reference}@{digest}",
        COSIGN_PASSWORD="x",
    )
    target, _ = real_world.stores()
    found = verify(target, digest, name="x", key=signer().public)
    assert found.problems == ()
    assert [one.predicate for one in found.of("https://example.org/note/v1")] == [{"note": "checked by hand"}]


def test_cosign_as_the_signer(real_world: RealWorld, tool: Callable[[str], Tool], tmp_path: Path) -> None:
    """Without a network it needs a key; what it wrote is attached and believed like our own."""
    run = tool("cosign")
    for name, verb in (("sc.json", "signing-config"), ("tr.json", "trusted-root")):
        run(verb, "create", "--out", str(tmp_path / name))
    (tmp_path / "key.pem").write_text(KEY)
    prefix = ("--output-key-prefix", str(tmp_path / "k"))
    run("import-key-pair", "--key", str(tmp_path / "key.pem"), *prefix, COSIGN_PASSWORD="x")
    by_cosign = CosignSigner(
        environ={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "COSIGN_PASSWORD": "x"},
        words=(
            *("--key", str(tmp_path / "k.key"), "--signing-config", str(tmp_path / "sc.json")),
            *("--trusted-root", str(tmp_path / "tr.json")),
        ),
        program=run("version").args[0],
    )
    planned = real_world.publish(real_world.run(real_world.cell()), signer=by_cosign)
    target, _ = real_world.stores()
    found = verify(target, "nightly-cpu", name="x", key=signer().public)
    assert found.problems == ()
    assert found.digest == planned.plan.index.digest
    assert real_world.publish(real_world.run(real_world.cell()), signer=by_cosign).plan.steps == ()


def test_a_large_blob_goes_in_parts(real_world: RealWorld) -> None:
    content = os.urandom(3 << 20)
    blob = blob_of(content, "application/octet-stream")
    target, _ = real_world.stores()
    target.chunk = 1 << 20
    assert target.put_blob(blob, opener(content)) is Placed.SENT
    with target.open_blob(blob) as file:
        assert file.read() == content
    assert target.put_blob(blob, opener(content)) is Placed.EXISTED
