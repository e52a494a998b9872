"""Cards that no cell holds code for: which toolkits could compile it, and what to write for that. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.model.cell import Resolution
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Arch, Matrix
from bakehouse.planning.gpus import Fit, Target, fit_of
from bakehouse.planning.rules import ARCH_RULES, as_version


def unserved(target: Target, resolution: Resolution, matrix: Matrix) -> Iterator[str]:
    """A note where no cell of the card's own accelerator holds native code for it. What can be compiled is asked of
    the rows of archs and toolkits, and not of what the axes combine.
    """
    own = target.accelerators[0]
    if target.arch is None or not ACCELERATORS[own].needs_arch:
        return
    fits = [fit_of(cell, target, matrix) for cell in resolution.cells if cell.at.accelerator is own]
    if any(fit not in (None, Fit.PTX) for fit in fits):
        return
    able = compilers_of(target.arch, matrix)
    nothing = f"no cell holds code for {target.arch}"
    if not able:
        instead = "".join(f"; {one}" for one in _instead(target, resolution, matrix))
        yield f"{nothing}, and no toolkit of the matrix can make it: {_lacking(target.arch, matrix)}{instead}"
        return
    versions = [matrix.toolkits[name].version for name in able]
    titles = f"{ACCELERATORS[own].toolkit_name} {_listed(versions)}"
    verb = "compiles" if len(able) == 1 else "compile"
    lines = "\n".join(_lines(target, able, matrix))
    yield f"{nothing}, but {titles} {verb} it. To have such cells, write in matrix.yaml:\n{lines}"


def compilers_of(arch: str, matrix: Matrix) -> tuple[str, ...]:
    """Toolkits whose compiler makes code for the arch, and whose libraries know it, in the order of the matrix."""
    return tuple(
        name
        for name, toolkit in matrix.toolkits.items()
        if toolkit.accelerator is matrix.archs[arch].accelerator
        and not (toolkit.known_bad and not toolkit.known_bad.archs)
        and not any(rule(toolkit, arch, matrix) for rule in ARCH_RULES.values())
    )


def _instead(target: Target, resolution: Resolution, matrix: Matrix) -> Iterator[str]:
    """What runs on the machine all the same."""
    if any(fit_of(cell, target, matrix) is Fit.PORTABLE for cell in resolution.cells):
        yield "the Vulkan image runs on it"
    platforms = {cell.at.platform for cell in resolution.cells if cell.at.accelerator is AcceleratorName.CPU}
    if not target.platforms or platforms & set(target.platforms):
        yield "on the processor of its machine the CPU image does: --gpu cpu"


def _lines(target: Target, able: tuple[str, ...], matrix: Matrix) -> Iterator[str]:
    """What is missing on the axes."""
    axes = matrix.axes
    yield "  axes:"
    missing = {"arch": target.arch}
    if not set(able) & set(axes.toolkit):
        missing["toolkit"] = able[-1]
    if target.platforms and not set(target.platforms) & set(axes.platform):
        missing["platform"] = target.platforms[0]
    for axis, value in missing.items():
        yield f"    {axis}:"
        yield f"      - {value}  # beside those that are there"


def _listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _lacking(arch: str, matrix: Matrix) -> str:
    row = matrix.archs[arch]
    name = ACCELERATORS[row.accelerator].toolkit_name
    versions = [one.version for one in matrix.toolkits.values() if one.accelerator is row.accelerator]
    oldest = min(versions, key=as_version, default=None)
    if row.last_toolkit and oldest and as_version(row.last_toolkit) < as_version(oldest):
        return (
            f"it is too old, {name} {row.last_toolkit} was the last that compiled it, and the oldest here is {oldest}"
        )
    if words := _range_in_words(row, name):
        return f"it takes {words}"
    return f"the libraries of {name} {_listed(versions)} hold no kernels for it" if versions else f"it has no {name}"


def _range_in_words(row: Arch, name: str) -> str:
    if row.first_toolkit and row.last_toolkit:
        return f"{name} {row.first_toolkit} to {row.last_toolkit}"
    if row.first_toolkit:
        return f"{name} {row.first_toolkit} or later"
    return f"{name} {row.last_toolkit} or older" if row.last_toolkit else ""
