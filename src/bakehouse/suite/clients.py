"""Fixtures of a program that makes the load in the place of our own client. Loaded by the plugin."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.measure.aiperf import PROGRAM, Aiperf, find_aiperf
from bakehouse.model.recipe import Load
from bakehouse.model.suite import Suite
from bakehouse.probes.external import Profiled
from bakehouse.suite.bench import Bench


@pytest.fixture
def aiperf() -> Aiperf:
    """The program on this machine."""
    try:
        return find_aiperf(os.environ)
    except InputError as error:  # it was there when the run began
        raise InfrastructureError(error.message, hint=error.hint) from error


@pytest.fixture
def profiled(aiperf: Aiperf, suite: Suite, random_ids: random.Random) -> Callable[[Bench, Load], Profiled]:
    """One image under one load that aiperf makes; what it writes is kept in the run's folder."""

    def of(bench: Bench, load: Load) -> Profiled:
        name = bench.subject.cell if bench.side == "candidate" else f"{bench.subject.cell}-{bench.side}"
        return Profiled(
            start=bench.start,
            load=load,
            asked=bench.workload,
            settings=bench.settings(load),
            chance=random_ids,
            program=aiperf,
            folder=Path(suite.run_folder) / PROGRAM / name,
            samples=bench.samples(f"{aiperf.name} {load.kind}", load),
        )

    return of
