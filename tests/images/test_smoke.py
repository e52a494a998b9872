"""The program in the image starts, is the version that was built, and has its backend plugins. No model needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bakehouse.model.suite import Subject
from bakehouse.probes import smoke
from bakehouse.servers import SERVERS
from bakehouse.servers.device_log import DeviceLog

Note = Callable[[str], None]


def test_prints_its_version(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    server = SERVERS[subject.server]
    words = _words(server.version_arguments, "prints its version")
    note(smoke.prints_version(ask, words, subject.version, look_at=server.version_from))


def test_prints_help(subject: Subject, ask: smoke.Ask) -> None:
    smoke.prints_help(ask, _words(SERVERS[subject.server].help_arguments, "prints help"))


def test_lists_devices(ask: smoke.Ask, device_log: DeviceLog, note: Note) -> None:
    note(f"devices: {', '.join(smoke.lists_devices(ask, device_log)) or 'none'}")


def test_has_its_plugins(subject: Subject, program_folder: list[str]) -> None:
    kind = SERVERS[subject.server].plugins
    if not subject.plugins or not kind:
        pytest.skip("its recipe has no plugins")
    smoke.has_plugins(program_folder, subject.plugins, named=kind.named)


def test_finds_code_for_this_cpu(subject: Subject, ask: smoke.Ask, device_log: DeviceLog, note: Note) -> None:
    if not subject.plugins:
        pytest.skip("its recipe has no plugins")
    note(f"loaded {smoke.loads_cpu_plugin(ask, device_log, subject.plugins)}")


def _words(words: tuple[str, ...] | None, what: str) -> tuple[str, ...]:
    if words is None:
        pytest.skip(f"nothing is known of a command line that {what}; the recipe's own cases ask")
    return words
