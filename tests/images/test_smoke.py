"""The program in the image starts, is the version that was built, and has its backend plugins. No model needed."""

from __future__ import annotations

from collections.abc import Callable

from bakehouse.model.suite import Subject
from bakehouse.probes import smoke

Note = Callable[[str], None]


def test_prints_its_version(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    note(smoke.prints_version(ask, subject.version))


def test_prints_help(subject: Subject, ask: smoke.Ask) -> None:
    smoke.prints_help(ask)


def test_lists_devices(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    note(f"devices: {', '.join(smoke.lists_devices(ask)) or 'none'}")


def test_has_its_plugins(subject: Subject, program_folder: list[str]) -> None:
    smoke.has_plugins(program_folder, subject.plugins)


def test_finds_code_for_this_cpu(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    note(f"loaded {smoke.loads_cpu_plugin(ask, subject.plugins)}")
