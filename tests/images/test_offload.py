"""The accelerator runs the model: all of it, without a fallback, without compiling. Only for cells with an accelerator.

Where this machine lacks the card, all of this is skipped, and says which card it looked for. A Vulkan cell runs on
Mesa's software driver then.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.engine.container import Finished
from bakehouse.engine.devices import Devices
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.suite import Subject
from bakehouse.probes import jit, offload
from bakehouse.servers.device_log import DeviceLog
from bakehouse.suite.verbose_server import VerboseServer, keeping_shaders

Note = Callable[[str], None]
Watch = Callable[..., VerboseServer]


@pytest.fixture
def name(subject: Subject) -> AcceleratorName:
    return AcceleratorName(subject.accelerator)


def test_sees_the_device(
    listing: Finished, device_log: DeviceLog, name: AcceleratorName, accelerator: Devices, note: Note
) -> None:
    note(offload.sees_device(listing, device_log, name, device=accelerator.name, is_software=accelerator.is_software))


def test_the_device_is_the_one_it_was_given(verbose: VerboseServer, accelerator: Devices, note: Note) -> None:
    note(offload.says_device(verbose.model, expected=accelerator.name, is_software=accelerator.is_software))


def test_offloads_all_layers(verbose: VerboseServer, device_log: DeviceLog, name: AcceleratorName, note: Note) -> None:
    note(offload.offloads_layers(verbose.model, device_log, name))


def test_keeps_the_cache_on_the_device(
    verbose: VerboseServer, device_log: DeviceLog, name: AcceleratorName, note: Note
) -> None:
    note(offload.keeps_cache(verbose.model, device_log, name))


def test_has_its_compute_buffer_on_the_device(
    verbose: VerboseServer, device_log: DeviceLog, name: AcceleratorName, note: Note
) -> None:
    note(offload.has_compute_buffer(verbose.model, device_log, name))


def test_computes_on_the_device(
    verbose: VerboseServer, device_log: DeviceLog, name: AcceleratorName, note: Note
) -> None:
    note(offload.computes(verbose.model, device_log, name))


def test_the_driver_agrees(
    verbose: VerboseServer, device_log: DeviceLog, name: AcceleratorName, accelerator: Devices, note: Note
) -> None:
    if accelerator.is_software:
        pytest.skip("a driver in software has no card to ask")
    note(offload.agrees(verbose.model, device_log, name, held=verbose.held))


def test_runs_native_code(
    subject: Subject, accelerator: Devices, image_environment: tuple[str, ...], watch: Watch, note: Note
) -> None:
    """CUDA only: no PTX is compiled at the start. AMD's images have nothing that could be."""
    if subject.accelerator != AcceleratorName.CUDA:
        pytest.skip(f"{subject.accelerator} has no PTX")
    arch = accelerator.card.arch if accelerator.card else None
    if subject.ptx and arch not in (None, *subject.runs_on):
        pytest.skip(
            f"the image promises PTX for cards that are newer than its code, such as {accelerator.name} ({arch})"
        )
    jit.forces_none(image_environment)
    note(f"ready after {watch(env=jit.OFF).healthy:.1f} s with the compiling of PTX switched off")


def test_what_the_driver_compiles(
    subject: Subject, accelerator: Devices, watch: Watch, tmp_path: Path, note: Note
) -> None:
    """SYCL and Vulkan: the driver compiles SPIR-V. How long the first start takes for it is recorded, not judged."""
    if subject.accelerator not in (AcceleratorName.XPU, AcceleratorName.VULKAN):
        pytest.skip(f"{subject.accelerator} holds native code")
    keeping = keeping_shaders(accelerator, tmp_path)
    first, second = (watch(devices=keeping).healthy for _ in range(2))
    note(jit.starts(first, second))
