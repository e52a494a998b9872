from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.model.lock import Lock
from bakehouse.supply import tools
from bakehouse.supply.attempts import ChainResult, try_in_order
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.registry import EngineRegistries, connect
from bakehouse.system.patience import Patience
from tests.unit.accelerated import accelerated
from tests.unit.supply.conftest import Index, wheel_of

CUOBJDUMP = tools.TOOLS[tools.CUOBJDUMP]


@pytest.fixture
def context(tmp_path: Path, index: Index, patience: Patience) -> SupplyContext:
    for machine, file in CUOBJDUMP.files.items():
        index.add("nvidia-cuda-cuobjdump", file, wheel_of({CUOBJDUMP.place.pypi.member: machine.encode()}))
    engine = Engine(kind="external", host=None, version="", buildx="", containerd_store=True, extra={})
    return SupplyContext(
        cache=tmp_path / "cache",
        root=tmp_path,
        environ=index.environ,
        machine="x86_64",
        lock=Lock(),
        registries=EngineRegistries(engine=engine, environ={}, connect=connect),
        say=lambda _: None,
        patience=patience,
    )


def changed(context: SupplyContext, **changes: object) -> SupplyContext:
    fields = {
        name: getattr(context, name) for name in ("cache", "root", "environ", "machine", "lock", "registries", "say")
    }
    return SupplyContext(**fields | changes, patience=context.patience)


def get(context: SupplyContext) -> ChainResult[Path]:
    return try_in_order(tools.places_of(tools.CUOBJDUMP, context=context), platforms=frozenset())


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_each_machine_gets_its_own_program_and_pin(context: SupplyContext, machine: str) -> None:
    found = get(changed(context, machine=machine)).found

    assert found is not None
    assert found.what.read_text() == machine
    assert found.what.stat().st_mode & 0o111
    assert list(found.files) == [f"pypi:{CUOBJDUMP.files[machine]}"]
    assert not found.locked


def test_what_is_pinned_and_in_the_cache_needs_no_network(context: SupplyContext) -> None:
    first = get(context).found
    assert first is not None
    offline = {**context.environ, "BAKEHOUSE_OFFLINE": "1"}
    again = get(changed(context, lock=Lock(files=first.files), environ=offline)).found
    assert again is not None
    assert (again.what, again.locked) == (first.what, True)


def test_without_a_network_it_is_said_what_is_missing(context: SupplyContext) -> None:
    outcome = get(changed(context, environ={**context.environ, "BAKEHOUSE_OFFLINE": "1"}))
    assert outcome.found is None
    assert "is not pinned in bakehouse.lock" in outcome.why_not
    assert "BAKEHOUSE_OFFLINE is set" in outcome.why_not


def test_a_machine_without_a_wheel_is_told(context: SupplyContext) -> None:
    outcome = get(changed(context, machine="riscv64"))
    assert "there is no cuobjdump for riscv64, only for x86_64, aarch64" in outcome.why_not


def test_only_cuda_cells_need_it() -> None:
    _, resolution = accelerated()
    needs = {cell.at.accelerator.value: tools.needed_by(cell) for cell in resolution.cells}
    assert needs == {"cpu": (), "cuda": ("cuobjdump",), "rocm": (), "vulkan": ()}
