"""A small world to publish: images in a layout, reports of their runs, a registry in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.model.publish import Publish
from bakehouse.model.report import (
    BuildResult,
    CellReport,
    Check,
    Host,
    Image,
    Measurement,
    RunReport,
    Sample,
    Supplied,
    TestResult,
)
from bakehouse.publish.attestations import BuilderIdentity
from bakehouse.publish.candidates import Variant, variants
from bakehouse.publish.looking import Looker
from bakehouse.publish.publisher import PlannedPublication, Publisher
from bakehouse.publish.signing import KeySigner, load_signer, new_key
from bakehouse.publish.sources import Images
from bakehouse.registry.connection import Connection
from bakehouse.registry.credentials import Credentials
from bakehouse.registry.layout import LayoutFolder
from bakehouse.registry.remote import Remote
from bakehouse.system.patience import Patience
from tests.doubles.images import put_image
from tests.doubles.registry import FakeRegistry, serving

KEY = new_key().decode()
DAY = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
STATUS = b"""Package: libc6
Status: install ok installed
Version: 2.41-12
Architecture: amd64
Source: glibc

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""
COPYRIGHT = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: LGPL-2.1+
"""
FILES = {
    "var/lib/dpkg/status": STATUS,
    "usr/share/doc/libc6/copyright": COPYRIGHT,
    "etc/os-release": b"VERSION_CODENAME=trixie\n",
}


def signer() -> KeySigner:
    found = load_signer({"BAKEHOUSE_SIGNING_KEY": KEY})
    assert found
    return found


def host(name: str = "builder") -> Host:
    return Host(
        name=name,
        os="Debian 13",
        kernel="6.12",
        platform="linux/amd64",
        cpu="AMD EPYC 9354",
        cores=2,
        memory_bytes=8 << 30,
        engine="26.1.5",
        buildx="0.13",
    )


def rates(value: float, *, starts: int = 7, workload: str = "tg128") -> Measurement:
    """Steady: every start within half a percent."""
    samples = [
        Sample(start=start, repetition=0, value=value * (1 + 0.001 * (start % 5 - 2))) for start in range(starts)
    ]
    return Measurement(
        workload=workload, metric="decode_rate", unit="tokens/s", samples=samples, settings={"device": "cpu"}
    )


@dataclass
class World:
    """Builds images and reports; `day` is when it is."""

    layout: LayoutFolder
    registry: FakeRegistry
    folder: Path
    policy: Publish = field(default_factory=lambda: Publish.model_validate({"channels": {"nightly": {}, "stable": {}}}))
    day: datetime = DAY
    repository: str = "me/toy"

    def run(self, *cells: CellReport, name: str = "", machine: str = "builder", after: int = 0) -> RunReport:
        started = self.day + timedelta(minutes=after)
        return RunReport(
            run=name or f"{started:%Y%m%d-%H%M%S}-abcdef",
            bakehouse="0.1.0",
            command=["bakehouse", "build-matrix"],
            fingerprint="f" * 64,
            revision="a" * 40,
            started=started,
            finished=started + timedelta(minutes=5),
            verdict=Verdict.PASSED,
            host=host(machine),
            supplies=[Supplied(kind="source", name="toy", attempts=[], identity="b" * 40, locked=True)],
            cells=list(cells),
        )

    def cell(
        self,
        *,
        seed: str = "1",
        architecture: str = "amd64",
        version: str = "b11312",
        speed: float | None = 100.0,
        tests: Verdict = Verdict.PASSED,
        proof: Verdict = Verdict.PASSED,
        files: dict[str, bytes] | None = None,
        **more: Any,
    ) -> CellReport:
        labels = {
            "org.opencontainers.image.version": version,
            "io.bakehouse.recipe": "toy",
            "io.bakehouse.accelerator": "cpu",
        }
        manifest = put_image(
            self.layout, seed=seed, architecture=architecture, labels=labels, files=FILES | (files or {})
        )
        given: dict[str, Any] = {
            "name": f"toy-cpu-{architecture}",
            "recipe": "toy",
            "accelerator": "cpu",
            "flag_set": "default",
            "platform": f"linux/{architecture}",
            "verdict": Verdict.PASSED,
            "size_budget": 100 << 20,
            "build": BuildResult(verdict=Verdict.PASSED, image=manifest.digest, seconds=3.0),
            "image": Image(
                reference="bakehouse/toy:cpu",
                digest=manifest.digest,
                bytes_unpacked=10 << 20,
                bytes_compressed=4 << 20,
                layers=[],
                labels=labels,
            ),
            "checks": [Check(name="user", verdict=proof, message="65532:65532")],
            "tests": [
                TestResult(
                    name=f"test_{probe}.py::test_it",
                    probe=probe,
                    verdict=tests,
                    seconds=1.0,
                    message="x" * (tests != "passed"),
                )
                for probe in ("smoke", "health")
            ],
            "measurements": [rates(speed)] if speed else [],
        }
        return CellReport(**{**given, **more})

    def variant(self, *runs: RunReport, wanted: tuple[str, ...] = ("linux/amd64",)) -> Variant:
        (found,) = variants(runs, wanted={("toy", "cpu"): wanted})
        return found

    def stores(self, *, patience: Patience | None = None) -> tuple[Remote, Remote]:
        """Target and staging."""
        connection = Connection(
            self.registry.host,
            credentials=Credentials(environ={"DOCKER_CONFIG": str(self.folder)}),
            patience=patience or Patience(sleep=lambda _: None, attempts=2, connect=5, stall=5),
        )
        return Remote(connection=connection, path=self.repository), Remote(
            connection=connection, path=f"{self.repository}-staging"
        )

    def publisher(self, **more: Any) -> Publisher:
        target, staging = self.stores()
        images = Images(folder=self.folder, engine=_no_engine, say=lambda _: None)
        found = Publisher(
            policy=self.policy,
            target=target,
            staging=staging,
            images=_FromLayout(self.layout, images),
            looker=Looker(registries=None, database=None, now=self.day),
            signer=signer(),
            key=signer().public,
            builder=BuilderIdentity(id="https://example.org/builder"),
            now=self.day,
            say=lambda _: None,
        )
        return replace(found, **more)

    def plan(self, *runs: RunReport, channel: str | None = "nightly", **more: Any) -> PlannedPublication:
        wanted = more.pop("wanted", ("linux/amd64",))
        return self.publisher(**more).plan(self.variant(*runs, wanted=wanted), channel)

    def publish(self, *runs: RunReport, channel: str | None = "nightly", **more: Any) -> PlannedPublication:
        planned = self.plan(*runs, channel=channel, **more)
        planned.execute()
        return planned

    def tag(self, name: str) -> str | None:
        return self.registry.tag_names.get(self.repository, {}).get(name)


def _no_engine() -> NoReturn:
    raise AssertionError("no engine is needed here")


class _FromLayout(Images):
    """In place of the engine: a layout that holds what was built."""

    def __init__(self, layout: LayoutFolder, images: Images) -> None:
        super().__init__(folder=images.folder, engine=images.engine, say=images.say)
        self.layout = layout

    def _from_engine(self, candidate: Any) -> LayoutFolder:
        assert self.layout.manifest(candidate.digest)
        return self.layout


@pytest.fixture(params=["referrers-api", "fallback"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    api = request.param == "referrers-api"
    with serving(FakeRegistry(referrers_api=api)) as registry:
        yield World(layout=LayoutFolder(tmp_path / "engine"), registry=registry, folder=tmp_path)
