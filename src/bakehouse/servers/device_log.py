"""What a server's log says of accelerators: an ability of families that log it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bakehouse.model.enums import AcceleratorName


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPlacement:
    """Where a server has put a model, and what computes it. Sizes are MiB by buffer, for example `Vulkan0`."""

    using: str | None
    """The device's own name."""
    offloaded: int
    layers: int
    """All that could be offloaded: the output layer counts. 0: no backend that could was loaded."""
    weights: Mapping[str, float]
    cache: Mapping[str, float]
    compute: Mapping[str, float]
    operations: Counter[tuple[str, str]]
    """How often a backend computed an operation, since the server was ready."""
    weights_in_memory: frozenset[str]
    """Weights that an operation read from the processor's memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacementAdvice:
    """What to look at, in the family's own words, where a model is not on the accelerator."""

    no_plugin: Mapping[AcceleratorName, str]
    """The accelerator's plugin was not loaded."""
    no_layer: str
    """Nothing of the model is on the device."""
    few_layers: str
    no_cache: str
    """Arguments and variables that keep the cache off the device: completes `Is there a ...?`"""
    weights: str
    """Arguments that leave weights in the processor's memory: completes `Is there an ...?`"""
    unread: str
    """The log names no operation."""


class DeviceLog(Protocol):
    @property
    def words(self) -> Mapping[AcceleratorName, str]:
        """What the log calls an accelerator: `CUDA`, whose first device is `CUDA0`."""
        ...

    @property
    def list_arguments(self) -> tuple[str, ...]:
        """Arguments with which the server lists its devices and ends."""
        ...

    @property
    def verbose_list_arguments(self) -> tuple[str, ...]:
        """The same, and it says which plugins it loads."""
        ...

    @property
    def verbose_arguments(self) -> tuple[str, ...]:
        """Arguments with which a server that serves says what `placed` reads."""
        ...

    @property
    def verbose_environment(self) -> Mapping[str, str]:
        """Variables for the same."""
        ...

    @property
    def looked_up(self) -> frozenset[str]:
        """Operations that the processor does on purpose, which are no fallback."""
        ...

    @property
    def kept_in_memory(self) -> frozenset[str]:
        """Weights that lie in the processor's memory on purpose."""
        ...

    @property
    def advice(self) -> PlacementAdvice: ...

    def devices(self, output: str) -> list[str]:
        """Lines of the list of devices: `Vulkan0: NAME (24105 MiB, 22056 MiB free)`."""
        ...

    def plugins(self, log: str) -> dict[str, str]:
        """What was loaded: word of a backend to the plugin's file name. The processor's is `CPU`."""
        ...

    def placed(self, log: str) -> ModelPlacement: ...
