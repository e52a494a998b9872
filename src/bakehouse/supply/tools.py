"""Programs that a check of ours runs on this machine, from PyPI: small ones, of the vendor whose files they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bakehouse.errors import SupplyError
from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.places import PyPIPlace
from bakehouse.supply.archive import unpack
from bakehouse.supply.attempts import Place
from bakehouse.supply.context import Found, SupplyContext
from bakehouse.supply.files import fetch_distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    place: PyPIPlace
    files: Mapping[str, str]
    """`uname -m` to the wheel: a wheel with a program in it fits one kind of machine."""


CUOBJDUMP = "cuobjdump"

TOOLS = {
    CUOBJDUMP: Tool(
        place=PyPIPlace(
            pypi=PyPIPlace.Options(requirement="nvidia-cuda-cuobjdump==13.5.37", member="nvidia/cu13/bin/cuobjdump")
        ),
        files={
            machine: f"nvidia_cuda_cuobjdump-13.5.37-py3-none-manylinux2014_{machine}.manylinux_2_17_{machine}.whl"
            for machine in ("x86_64", "aarch64")
        },
    )
}
"""NVIDIA's newest: it reads what any older toolkit wrote. It needs glibc 2.17 and nothing else."""

_NEEDED_BY = {CUOBJDUMP: AcceleratorName.CUDA}


def needed_by(cell: Cell) -> tuple[str, ...]:
    """Names in TOOLS."""
    return tuple(name for name, accelerator in _NEEDED_BY.items() if cell.at.accelerator is accelerator)


def places_of(name: str, *, context: SupplyContext) -> list[Place[Path]]:
    """The chain of one tool, which has one place."""
    tool = TOOLS[name]
    return [Place(title=f"pypi {tool.place.pypi.requirement}", get=lambda: _from_pypi(name, tool, context))]


def _from_pypi(name: str, tool: Tool, context: SupplyContext) -> Found[Path]:
    if context.machine not in tool.files:
        raise SupplyError(f"there is no {name} for {context.machine}, only for {', '.join(tool.files)}")
    fetched = fetch_distribution(tool.place, context, file=tool.files[context.machine])
    program = unpack(
        fetched.path,
        to=context.cache / "tools" / fetched.sha256 / name,
        member=tool.place.pypi.member,
        has_top_folder=False,
    )
    program.chmod(0o755)
    return Found(
        what=program.resolve(),
        identity=f"sha256:{fetched.sha256}",
        message=fetched.path.name,
        locked=fetched.locked,
        files=fetched.pins,
    )
