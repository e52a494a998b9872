"""The machine of a measurement, as it is published: enough to tell whether two are the same, and not its name. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bakehouse.model.report import CellReport, RunReport

_DIGITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineFacts:
    host: str
    """First digits of a hash of the host's name."""
    platform: str
    cpu: str
    cores: int
    memory_bytes: int
    device: str
    """`cpu`, or the card that was measured."""
    gpus: tuple[str, ...] = ()

    @classmethod
    def read(cls, value: object) -> MachineFacts | None:
        """From JSON; None for what is none, or has keys that this version does not know."""
        if not isinstance(value, Mapping):
            return None
        try:
            return cls(**{**value, "gpus": tuple(value.get("gpus") or ())})
        except TypeError:
            return None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "gpus": list(self.gpus)}

    @property
    def title(self) -> str:
        """`NVIDIA GeForce RTX 5090`, `cpu: AMD EPYC 9354, 2 cores`."""
        return self.device if self.device != "cpu" else f"{self.cpu}, {self.cores} cores"


def machine_of(run: RunReport, cell: CellReport) -> MachineFacts:
    """What a cell was measured on. The device stands in the settings of its measurements."""
    devices = [one.settings.get("device") for one in cell.measurements]
    device = next((str(one) for one in devices if one), "cpu" if cell.accelerator == "cpu" else cell.accelerator)
    host = run.host_of(cell)
    return MachineFacts(
        host=hashlib.sha256(host.name.encode()).hexdigest()[:_DIGITS],
        platform=host.platform,
        cpu=host.cpu,
        cores=host.cores,
        memory_bytes=host.memory_bytes,
        device=device,
        gpus=tuple(host.gpus) if cell.accelerator != "cpu" else (),
    )
