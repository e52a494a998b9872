"""How the embedded engine hands out NVIDIA's cards: by CDI, with a specification that is written here if need be.

A machine with the driver and without NVIDIA's container toolkit has everything that a container needs: the driver's
libraries and the device nodes. The specification names them; what the toolkit's would say beside (graphics, displays)
is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from bakehouse.engine.cdi import FOLDERS, devices_in, find_driver, specification
from bakehouse.errors import InfrastructureError
from bakehouse.machine import Machine, detect
from bakehouse.model.enums import AcceleratorName
from bakehouse.system import atomic_write, process

FILE = "bakehouse-nvidia.json"
OLDEST = 25
"""Version of Docker that has CDI."""
_TIMEOUT = 30.0
_VERSION = re.compile(r"version (\d+)\.")


def write_specification(
    folder: Path,
    *,
    say: Callable[[str], None],
    root: Path = Path("/"),
    machine: Machine | None = None,
    said: Callable[[list[str]], str] | None = None,
) -> tuple[str, ...]:
    """Folders where the engine finds specifications; none where there is no card for them, or the engine is too old.

    `said`: runs a program and returns what it prints.
    """
    ask = said or _said
    here = machine or detect()
    cards = [card for card in here.usable if card.accelerator is AcceleratorName.CUDA]
    if not cards:
        return ()
    version = _VERSION.search(ask(["dockerd", "--version"]))
    if version is None or int(version[1]) < OLDEST:
        say(f"this Docker cannot hand out {cards[0].name}: CDI takes version {OLDEST} or later")
        return ()
    own = folder / FILE
    own.unlink(missing_ok=True)
    known = [root / place.lstrip("/") for place in FOLDERS]
    if devices_in(known):
        return FOLDERS
    driver = find_driver(root, listed=ask(["ldconfig", "-p"]))
    found = specification(cards, driver, platform=here.platform, root=root) if driver else None
    if driver is None or found is None:
        say(f"{cards[0].name} cannot be handed to containers: its driver's libraries (libcuda.so.1) were not found")
        return FOLDERS
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write.write(own, json.dumps(found, indent=2) + "\n")
    names = ", ".join(card.name for card in cards)
    say(f"No container toolkit is here: the engine hands out {names} (driver {driver.version}) by {own}.")
    return (*FOLDERS, str(folder))


def _said(command: list[str]) -> str:
    """Empty where the program is missing."""
    try:
        return process.run(command, timeout=_TIMEOUT, check=False).stdout
    except InfrastructureError:
        return ""
