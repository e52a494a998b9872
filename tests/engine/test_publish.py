"""One image after the other, from a build to a registry that wants a password, read by programs of others."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from tests.engine.toy import Ended, Toy
from tests.registry.conftest import PASSWORD, Real, Tool
from tests.registry.conftest import real as real  # noqa: PLC0414 - a fixture
from tests.registry.conftest import tool as tool  # noqa: PLC0414 - a fixture

from bakehouse.commands.publish import REPORT
from bakehouse.errors import ExitCode
from bakehouse.model import annotations as names
from bakehouse.model.enums import Grade
from bakehouse.model.publish_report import PublishReport, VariantReport
from bakehouse.model.report import Measurement
from bakehouse.publish.signing import KEY, load_signer, new_key

pytestmark = pytest.mark.engine

REPOSITORY = "chain/toy"
POLICY = {
    "channels": {"nightly": {"plain": "cpu", "gates": {"speed": "required"}}, "stable": {}},
    "tag": "{version}-{variant}-{digest}",  # several images a day
    "retention": {"days": 0, "keep": 0, "notice_days": 0},
}
ONLY_PASSED = 'package signature\nimport rego.v1\nallow if input.predicate.result == "PASSED"\n'
MEASURED = ("--starts", "7", "--repetitions", "1", "--no-calibrate", "--no-history")
LARGER = "cat /bin/sh /bin/ls /bin/cat >> /app/server"


class Chain:
    """A toy project whose images go to a real registry, and what the outside world says of them."""

    def __init__(self, toy: Toy, real: Real, tool: Callable[[str], Tool]) -> None:
        self.toy, self.real, self.tool = toy, real, tool
        self.key = new_key()
        self.logged_in = {"DOCKER_CONFIG": str(real.login), KEY: self.key.decode()}

    def build(self, *how: str, **flags: str) -> str:
        """Digest of an image that was built, proven, started and measured here."""
        self.toy.write({"default": flags})
        (self.toy.root / "tests/images/test_throughput.py").unlink()  # ours takes its place
        matrix = self.toy.root / "matrix.yaml"
        policy = {"publish": POLICY | {"repository": f"{self.real.host}/chain/{{recipe}}"}}
        matrix.write_text(matrix.read_text() + yaml.safe_dump(policy))
        ended = self.toy.run("build-matrix", *how)
        assert ended.code == ExitCode.OK, ended.said
        image = self.toy.cell().image
        assert image
        return image.digest

    def publish(self, *words: str, code: ExitCode = ExitCode.OK) -> Ended:
        ended = self.toy.run("publish", *words, **self.logged_in)
        assert ended.code == code, ended.said
        return ended

    @property
    def told(self) -> VariantReport:
        """Of the last publication."""
        content = (self.toy.folders[-1] / REPORT).read_bytes()
        return PublishReport.model_validate_json(content).variants[0]

    def verify(self, reference: str) -> Ended:
        return self.toy.run("verify", f"{self.real.host}/{REPOSITORY}{reference}", **self.logged_in)

    def resolve(self, reference: str) -> str | None:
        return self.real.client(REPOSITORY).resolve(reference)

    def platforms(self, reference: str) -> list[str]:
        """Digests of the images that an index joins, as skopeo reads it."""
        words = ("inspect", "--tls-verify=false", "--raw", f"docker://{self.real.host}/{REPOSITORY}:{reference}")
        return [one["digest"] for one in json.loads(self.tool("skopeo")(*words).stdout)["manifests"]]

    def cosign(self, verb: str, *more: str, digest: str) -> int:
        """Exit status."""
        public = self.toy.root / "public.pem"
        signer = load_signer({KEY: self.key.decode()})
        assert signer
        public.write_bytes(signer.public.pem)
        words = ("--key", str(public), "--private-infrastructure", "--allow-http-registry", *more)
        return self.tool("cosign")(verb, *words, f"{self.real.host}/{REPOSITORY}@{digest}", check=False).code

    @property
    def files(self) -> list[Path]:
        """What the runs wrote for people and programs."""
        return [path for path in self.toy.root.rglob("*") if path.is_file() and path.suffix in (".json", ".log", ".md")]


@pytest.fixture
def chain(toy: Toy, real: Real, tool: Callable[[str], Tool]) -> Chain:
    return Chain(toy, real, tool)


def test_from_a_build_to_a_channel_and_back(chain: Chain) -> None:
    _first_goes_to_both_channels(chain, chain.build("--quick", TOY="first"))
    first = chain.resolve("nightly-cpu")
    _outside_world_accepts(chain, str(first))
    better = _better_moves_one(chain, chain.build(*MEASURED, TOY="second"))
    assert chain.resolve("stable-cpu") == first
    before = chain.toy.cell().measurements
    worse = chain.build(*MEASURED, TOY="slow", STEP=LARGER)
    _is_refused_by_speed(chain, worse, [before, chain.toy.cell().measurements])
    assert chain.resolve("nightly-cpu") == better

    assert f"toy nightly-cpu is back at {str(first)[:19]}" in chain.publish("--rollback", "nightly").said
    assert chain.resolve("nightly") == chain.resolve("nightly-cpu") == first
    chain.publish("--prune")
    assert chain.resolve(better), "it was announced, and is there"
    chain.publish("--prune")
    assert not chain.resolve(better)
    assert "nothing is to be done" in chain.publish("--prune").said
    chain.real.collect_garbage()
    ended = chain.verify(":nightly")
    assert ended.code == ExitCode.OK, ended.said
    _outside_world_accepts(chain, str(first))
    _nobody_told_a_secret(chain)


def _first_goes_to_both_channels(chain: Chain, image: str) -> None:
    before = len(chain.real.requests)
    plan = chain.publish("--dry-run").said
    assert "move    nightly to sha256:" in plan
    assert {line.split()[0] for line in chain.real.requests[before:]} <= {"GET", "HEAD"}, "a plan writes nothing"
    chain.publish()
    assert {gate.gate: gate.state for gate in chain.told.gates}["speed"] == "passed"
    chain.publish("--channel", "stable")
    assert chain.resolve("nightly") == chain.resolve("nightly-cpu") == chain.resolve("stable-cpu") == chain.told.digest
    assert chain.platforms("nightly") == [image], "the digest that was tested"
    assert chain.real.client(f"{REPOSITORY}-staging").resolve(image) == image
    chain.publish("--list")


def _outside_world_accepts(chain: Chain, digest: str) -> None:
    assert chain.cosign("verify", digest=digest) == 0
    for kind in (names.TEST_RESULT, names.MEASUREMENTS, "slsaprovenance1", "spdxjson"):
        assert chain.cosign("verify-attestation", "--type", kind, digest=digest) == 0, kind
    policy = chain.toy.root / "passed.rego"
    policy.write_text(ONLY_PASSED)
    words = ("--type", names.TEST_RESULT, "--policy", str(policy))
    assert chain.cosign("verify-attestation", *words, digest=digest) == 0


def _better_moves_one(chain: Chain, image: str) -> str:
    """It is beside an image of one start, whose figures raise no alarm."""
    chain.publish()
    assert chain.told.outcome == "moves", chain.told
    assert chain.platforms("nightly-cpu") == [image]
    said = chain.verify(":nightly").said
    assert "it is what it says it is" in said
    return chain.told.digest


def _is_refused_by_speed(chain: Chain, image: str, measured: Sequence[Sequence[Measurement]]) -> None:
    """By its size, of which there is no doubt; by its rate, where this machine is quiet enough to tell."""
    said = chain.publish(code=ExitCode.CELL_FAILED).said
    assert "nightly stays as it is" in said
    gates = {gate.gate: gate for gate in chain.told.gates}
    assert [name for name, gate in gates.items() if gate.blocks] == ["speed"], gates
    words = "\n".join(gates["speed"].details)
    assert "start image_size" in words
    theirs, ours = _rates_of_one_workload(measured)
    assert statistics.median(ours.counted) * 5 < statistics.median(theirs.counted)
    if theirs.grade is ours.grade is Grade.EXACT:
        assert f"{ours.workload} decode_rate" in words
    staged = chain.real.client(f"{REPOSITORY}-staging")
    assert staged.resolve(image) == image, "it waits in staging"
    assert not chain.real.client(REPOSITORY).resolve(image)


def _rates_of_one_workload(measured: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """The longest that both images were measured with: a slow one gets shorter answers."""
    rates = [{one.workload: one for one in each if one.metric == "decode_rate"} for each in measured]
    shared = max(rates[0].keys() & rates[1].keys(), key=lambda name: int(name.removeprefix("tg")))
    return [each[shared] for each in rates]


def _nobody_told_a_secret(chain: Chain) -> None:
    secrets = [PASSWORD, *chain.key.decode().splitlines()[1:-1]]
    for path in chain.files:
        content = path.read_text(errors="replace")
        assert not any(secret in content for secret in secrets), path
