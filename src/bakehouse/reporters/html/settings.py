"""What must be equal for two measurements to be compared: each set has a letter and is printed once."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bakehouse.model.report import Measurement


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What must be equal for two measurements to be compared, said once."""

    label: str
    workloads: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


class Labels:
    """A letter for each settings, in the order in which they are met."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, dict[str, None], Measurement]] = {}

    def label(self, measurement: Measurement) -> str:
        key = settings_key(measurement)
        if key not in self._found:
            self._found[key] = (_letters(len(self._found)), {}, measurement)
        label, workloads, _ = self._found[key]
        workloads[measurement.workload] = None
        return label

    def all(self) -> tuple[Settings, ...]:
        return tuple(
            Settings(
                label=label,
                workloads=tuple(workloads),
                pairs=(
                    *_flat(measurement.settings),
                    ("definitions", f"version {measurement.definitions}"),
                    *([("client", measurement.client)] if measurement.client else []),
                ),
            )
            for label, workloads, measurement in self._found.values()
        )


def settings_key(measurement: Measurement) -> str:
    """The same for measurements that may be compared."""
    said = json.dumps(measurement.settings, sort_keys=True, default=str)
    return f"{measurement.client} {measurement.definitions} {said}"


def _letters(number: int) -> str:
    """A, B, ... Z, AA, AB."""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else _letters(number // 26 - 1) + letter  # noqa: PLR2004


def _flat(settings: dict[str, object]) -> list[tuple[str, str]]:
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        for key, value in sorted(settings.items())
    ]
