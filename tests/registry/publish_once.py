"""Publish the run in a folder to a registry: `python -m tests.registry.publish_once FOLDER HOST`. It is killed."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

from bakehouse.model.report import RunReport
from bakehouse.publish.signing import load_signer
from bakehouse.registry.layout import LayoutFolder
from tests.doubles.registry import FakeRegistry
from tests.unit.publish.conftest import DAY, World


def main(folder: Path, host: str) -> None:
    registry = FakeRegistry(port=int(host.rpartition(":")[2]))
    world = World(layout=LayoutFolder(folder / "engine"), registry=registry, folder=folder, day=DAY + timedelta(days=1))
    signer = load_signer(os.environ)
    assert signer
    run = RunReport.model_validate_json((folder / "run.json").read_bytes())
    world.publish(run, signer=signer, key=signer.public)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
