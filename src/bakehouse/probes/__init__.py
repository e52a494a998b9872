"""Checks of a container that runs. Each probe is a module of plain functions that raise ProbeFailed.

ProbeFailed means that the image is wrong. An InfrastructureError that passes through means that we cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.errors import BakehouseError, ExitCode


class ProbeFailed(BakehouseError):  # noqa: N818 - a verdict, not a malfunction
    """The image is wrong, and the message says how."""

    exit_code = ExitCode.CELL_FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What a person must know to choose it."""

    summary: str
    needs_model: bool
    needs_accelerator: bool = False
    """Whether it says nothing of a cell for the CPU."""


PROBES: dict[str, Probe] = {
    "smoke": Probe(summary="the program starts, is the right version and has its plugins", needs_model=False),
    "health": Probe(summary="it says truthfully when it can serve, and stops when it is told to", needs_model=True),
    "offload": Probe(
        summary="the accelerator runs the model: all of it, without falling back and without compiling at the start",
        needs_model=True,
        needs_accelerator=True,
    ),
    "web_ui": Probe(summary="its web page is whole, asks no other machine, and works in a browser", needs_model=True),
    "throughput": Probe(summary="it answers correctly, and how fast", needs_model=True),
    "cases": Probe(
        summary="requests and commands that its recipe declares, with what must come back", needs_model=False
    ),
    "recipe": Probe(summary="a recipe's own tests", needs_model=True),
}
"""A probe NAME is tests/images/test_NAME.py over probes/NAME.py, and a line here."""
