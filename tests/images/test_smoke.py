"""The program in the image starts, is the version that was built, and has its backend plugins. No model needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bakehouse.model.suite import Subject
from bakehouse.probes import smoke
from bakehouse.servers import SERVERS

Note = Callable[[str], None]


def test_prints_its_version(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    words = _words(SERVERS[subject.server].version_arguments, "prints its version")
    note(smoke.prints_version(ask, words, subject.version))


def test_prints_help(subject: Subject, ask: smoke.Ask) -> None:
    smoke.prints_help(ask, _words(SERVERS[subject.server].help_arguments, "prints help"))


def test_lists_devices(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    words = _words(SERVERS[subject.server].device_arguments, "lists its devices")
    note(f"devices: {', '.join(smoke.lists_devices(ask, words)) or 'none'}")


def test_has_its_plugins(subject: Subject, program_folder: list[str]) -> None:
    if not subject.plugins:
        pytest.skip("its recipe has no plugins")
    smoke.has_plugins(program_folder, subject.plugins)


def test_finds_code_for_this_cpu(subject: Subject, ask: smoke.Ask, note: Note) -> None:
    if not subject.plugins:
        pytest.skip("its recipe has no plugins")
    note(f"loaded {smoke.loads_cpu_plugin(ask, subject.plugins)}")


def _words(words: tuple[str, ...] | None, what: str) -> tuple[str, ...]:
    if words is None:
        pytest.skip(f"nothing is known of a command line that {what}; the recipe's own cases ask")
    return words
