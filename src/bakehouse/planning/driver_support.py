"""What a host's driver can run. Pure: floors are in the toolkits' rows of the matrix.

A toolkit with two floors is NVIDIA's: from the lower one on, native code runs, but PTX of that toolkit cannot be
compiled, and newer functions of the driver are missing (minor-version compatibility,
https://docs.nvidia.com/deploy/cuda-compatibility/). A toolkit without floors brings its own user-space driver in the
image, and any kernel driver that knows the card will do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.errors import InputError
from bakehouse.model.matrix import Arch, Gpu, Toolkit

Runs = Literal["full", "native-only", "no"]
"""All of a toolkit, its native code alone, or nothing of it."""

_FORM = re.compile(r"[0-9]{1,3}(?:\.[0-9]+){0,2}", re.ASCII)
_BRANCH = re.compile(r"^[Rr]([0-9]{3})$", re.ASCII)
_NEWEST = 999
"""Later than any version of a branch."""
_OLDEST_MAJOR = 100
"""No driver of the last ten years has a smaller number; a toolkit has."""


class Driver(Version):
    """A driver's version, which people know as it was written: `575.57.08`, and not `575.57.8`.

    A branch alone, `575`, stands for its newest version.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text if "." in text else f"{text}.{_NEWEST}")
        self._text = text

    def __str__(self) -> str:
        return self._text


def parse(text: str) -> Driver:
    """A driver's version, as `nvidia-smi` prints it, or a branch, which NVIDIA calls R550.

    Raises InputError for anything else, a toolkit's version too.
    """
    text = _BRANCH.sub(r"\1", text)
    if not _FORM.fullmatch(text):
        hint = "Write it as nvidia-smi shows it under 'Driver Version', for example 575.57.08."
        raise InputError(f"{text!r} is no version of a driver", hint=hint)
    version = Driver(text)
    if version.major < _OLDEST_MAJOR:
        hint = "It looks like a version of CUDA; nvidia-smi shows the driver's beside it, for example 575.57.08."
        raise InputError(f"{text!r} is no version of a driver", hint=hint)
    return version


@dataclass(frozen=True, kw_only=True, slots=True)
class CardDrivers:
    """Which drivers know a card. They ask the chip what it is, and not its PCI id (`rm_is_supported_device` of
    https://github.com/NVIDIA/open-gpu-kernel-modules), so that one from before the card mostly runs it, without a name.
    """

    first: str | None
    """Oldest that knows the chip; none older drives the card."""
    listed: str | None
    """Oldest whose list of cards has this one, where that is newer."""
    last: str | None
    """A branch stands for all of its versions."""

    def __str__(self) -> str:
        first = self.listed or self.first
        parts = [f"{first} or later"] if first else []
        parts += [f"{self.last} is the last branch that knows it"] if self.last else []
        return ", and ".join(parts)


def drivers_of(gpu: Gpu | None, row: Arch | None) -> CardDrivers:
    """What the card's row says beside that of its arch."""
    own, first = gpu.first_driver if gpu else None, row.first_driver if row else None
    last = (gpu and gpu.last_driver) or (row and row.last_driver) or None
    newer = own if own and first and Version(own) > Version(first) else None
    return CardDrivers(first=first or own, listed=newer, last=last)


def against_card(driver: Version, drivers: CardDrivers, card: str) -> str | None:
    """Why the driver does not drive the card at all; None: it does, or it is not written down."""
    if drivers.first and driver < Version(drivers.first):
        return f"driver {driver} does not know {card} yet: it takes {drivers}"
    if drivers.last and not _is_up_to(driver, Version(drivers.last)):
        return f"driver {driver} no longer knows {card}: {drivers.last} is the last branch that does"
    return None


def before_card(driver: Version, drivers: CardDrivers, card: str) -> str | None:
    """What to know where the driver is older than the card, though not than its chip."""
    if drivers.listed is None or driver >= Version(drivers.listed):
        return None
    return (
        f"driver {driver} is older than {card}: NVIDIA lists the card from {drivers.listed} on. It knows the chip, and "
        "mostly runs it under a general name"
    )


def _is_up_to(driver: Version, last: Version) -> bool:
    """A branch stands for all of its versions: 580.95.05 is no newer than 580."""
    return driver.release[: len(last.release)] <= last.release


def runs(driver: Version, toolkit: Toolkit) -> Runs:
    """How much of what the toolkit makes runs on this driver."""
    if toolkit.driver_floor is None or driver >= Version(toolkit.driver_floor):
        return "full"
    if toolkit.driver_floor_minor is not None and driver >= Version(toolkit.driver_floor_minor):
        return "native-only"
    return "no"


def why(driver: Version, toolkit: Toolkit) -> str:
    """The reason for `runs`, with the driver that would do better."""
    name = f"{ACCELERATORS[toolkit.accelerator].toolkit_name} {toolkit.version}"
    match runs(driver, toolkit):
        case "full" if toolkit.driver_floor is None:
            return f"{name} asks for no version of the driver"
        case "full":
            return f"{name} has all features from driver {toolkit.driver_floor} on"
        case "native-only":
            return f"driver {driver} runs native code of {name}, but compiles no PTX: that takes {toolkit.driver_floor}"
        case "no":
            return f"driver {driver} is too old for {name}: it takes {_lowest(toolkit)}"


def _lowest(toolkit: Toolkit) -> str:
    if toolkit.driver_floor_minor is None:
        return f"{toolkit.driver_floor}"
    return f"{toolkit.driver_floor_minor}, and {toolkit.driver_floor} for all features"
