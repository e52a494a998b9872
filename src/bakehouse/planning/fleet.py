"""Which host tests which cell: by the cards that they are said to have. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bakehouse.config.suggest import suggest
from bakehouse.errors import InputError
from bakehouse.model.cell import Cell
from bakehouse.model.fleet import HERE, FleetHost
from bakehouse.model.machine import Machine
from bakehouse.model.matrix import Matrix
from bakehouse.planning.gpus import CPU, FITS, Fit, Target, find_target, fit_of

PLATFORM = "linux/amd64"
"""Of a host that says none, and whose cards say none."""

ON_A_STRANGER = "Test there what was built here: build-matrix --images (docs/hosts.md, Limits)."

Targets = Mapping[str, Sequence[Target]]
"""By host, in the order of the matrix: what images can run on there."""


def divide(
    cells: Sequence[Cell], matrix: Matrix, *, only: Sequence[str] = (), platform: str = PLATFORM
) -> dict[str, str]:
    """By cell the name of the host that tests it; `here` for what no host has a card for.

    A cell goes where its code fits best, then to the host that has the fewest. `only`: these hosts alone. `platform`:
    of the machine that builds, whose suite is brought to hosts. Raises InputError as `targets` does.
    """
    hosts = targets(matrix, only, platform=platform)
    able = {cell.name: _able(cell, hosts, matrix) for cell in cells}
    load: Counter[str] = Counter()
    found = {}
    for cell in sorted(cells, key=lambda cell: (len(able[cell.name]), cell.name)):
        name = min(able[cell.name], key=lambda name: load[name], default=HERE)
        load[name] += 1
        found[cell.name] = name
    return dict(sorted(found.items()))


def targets(matrix: Matrix, only: Sequence[str] = (), *, platform: str = PLATFORM) -> Targets:
    """What the hosts of these names run images on; without any name, all hosts that can run our suite.

    Raises InputError for a name that is none of the matrix's, or that of a machine on which our suite does not run.
    """
    others = strangers(matrix, platform=platform)
    for name in only:
        if name not in matrix.hosts and name != HERE:
            raise _no_such(name, matrix)
        if name in others:
            raise InputError(f"--host {name}: {_strange(others[name], platform)}", hint=ON_A_STRANGER)
    return {
        name: _of_host(host, matrix, platform)
        for name, host in matrix.hosts.items()
        if name not in others and (not only or name in only)
    }


def elsewhere(matrix: Matrix, only: Sequence[str] = (), *, platform: str = PLATFORM) -> Targets:
    """The same without the machine that builds."""
    found = targets(matrix, only, platform=platform)
    return {name: there for name, there in found.items() if not matrix.hosts[name].is_here}


def strangers(matrix: Matrix, *, platform: str) -> dict[str, str]:
    """Hosts of another platform than the machine that builds, each with its own: our Python does not run there."""
    there = {name: platform_of(host, matrix) for name, host in matrix.hosts.items() if not host.is_here}
    return {name: its for name, its in there.items() if its != platform}


def without_suite(cells: Sequence[Cell], matrix: Matrix, *, platform: str) -> list[str]:
    """A line for each host that would test some of the cells and cannot."""
    said = []
    for name, its in strangers(matrix, platform=platform).items():
        hosts = {name: _of_host(matrix.hosts[name], matrix, platform)}
        if any(runs_there(cell, hosts, matrix) for cell in cells):
            said.append(f"{name} tests nothing: {_strange(its, platform)}. {ON_A_STRANGER}")
    return said


def _strange(its: str, ours: str) -> str:
    return f"it is a {its} machine, and the suite of this one runs on {ours} alone"


def runs_there(cell: Cell, hosts: Targets, matrix: Matrix) -> bool:
    """Whether one of these hosts has a card that runs the cell as it is."""
    return bool(_able(cell, hosts, matrix))


def have_card(word: str, hosts: Targets, matrix: Matrix) -> bool:
    """Whether one of these hosts has the card that `--gpu WORD` means, or one of the arch. Raises InputError."""
    asked = find_target(word, matrix, Machine(platform=PLATFORM, cores=0, cards=()))
    return any(_is_meant(one, asked) for found in hosts.values() for one in found)


def platform_of(host: FleetHost, matrix: Matrix) -> str:
    """As the host says it, or the first of its cards."""
    rows = [matrix.gpus[card] for card in host.cards if card in matrix.gpus]
    return host.platform or next((row.platform for row in rows), PLATFORM)


def _no_such(name: str, matrix: Matrix) -> InputError:
    known = [*matrix.hosts, HERE]
    hint = suggest(name, known) if matrix.hosts else "Give it a row under `hosts` in matrix.yaml: docs/hosts.md."
    return InputError(f"--host {name}: the matrix has no such host", hint=hint)


def _of_host(host: FleetHost, matrix: Matrix, ours: str) -> list[Target]:
    platform = ours if host.is_here else platform_of(host, matrix)
    machine = Machine(platform=platform, cores=0, cards=())
    return [replace(find_target(card, matrix, machine), platforms=(platform,)) for card in host.cards]


def _is_meant(one: Target, asked: Target) -> bool:
    return one.name == asked.name if asked.gpu or asked.name == CPU else one.arch == asked.arch


def _able(cell: Cell, hosts: Targets, matrix: Matrix) -> list[str]:
    """Those on which the cell's code fits best."""
    fits = {name: fit for name, found in hosts.items() if (fit := _best(cell, found, matrix))}
    best = min(fits.values(), key=FITS.index, default=None)
    return [name for name, fit in fits.items() if fit is best]


def _best(cell: Cell, found: Sequence[Target], matrix: Matrix) -> Fit | None:
    """How its code runs on the best card of a host; None: not at all, or only by compiling PTX."""
    fits = [fit_of(cell, target, matrix) for target in found]
    return min((fit for fit in fits if fit and fit is not Fit.PTX), key=FITS.index, default=None)
