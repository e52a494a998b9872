"""Units of systemd, and Podman's quadlets, which are units with a [Container] section: keys with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bakehouse.errors import Where
from bakehouse.lint.command import ASSIGNMENT, command_of
from bakehouse.lint.container_run import ContainerRun, container_port
from bakehouse.lint.script import Script
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.shell import split

SECTION = re.compile(r"^\[(?P<name>[A-Za-z-]+)\]\s*$", re.MULTILINE)
_KEY = re.compile(r"\s*(?P<key>[A-Za-z][A-Za-z0-9-]*)\s*=\s*(?P<value>.*)")
_SPECIFIER = re.compile(r"%[a-zA-Z]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    section: str
    key: str
    value: str
    line: int


def read_entries(text: str) -> Iterator[Entry]:
    """Keys in the order of the file; lines that end with a backslash go on."""
    section, held, first = "", "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not held and line.lstrip().startswith(("#", ";")):
            continue
        if not held:
            first = number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        held += line
        if found := SECTION.match(held):
            section = found["name"]
        elif found := _KEY.fullmatch(held):
            yield Entry(section=section, key=found["key"], value=found["value"], line=first)
        held = ""


def read_service(entries: Sequence[Entry], *, file: str) -> Script:
    """The commands of [Service] as a script, with the unit's environment."""
    script = Script(file=file)
    known: dict[str, str] = {}
    for entry in entries:
        if entry.section == "Service" and entry.key == "Environment":
            for setting in environment(entry, file):
                script.variables.append(setting)
                script.exported.add(setting.name)
                known[setting.name] = setting.value
    for entry in entries:
        if entry.section == "Service" and entry.key.startswith("Exec"):
            words = _words(entry, file, known)
            if words:
                first = Word(text=words[0].text.lstrip("-@:+!|"), where=words[0].where, complete=words[0].complete)
                script.commands.append(command_of([first, *words[1:]]))
    return script


def read_container(entries: Sequence[Entry], *, file: str) -> ContainerRun | None:
    """A quadlet's container; None for a unit without one."""
    own = [entry for entry in entries if entry.section == "Container"]
    if not own:
        return None
    devices = [entry.value for entry in own if entry.key == "AddDevice"]
    more = " ".join(entry.value for entry in own if entry.key in ("PodmanArgs", "GlobalArgs"))
    health = [word for entry in own if entry.key == "HealthCmd" for word in _words(entry, file, {})]
    return ContainerRun(
        image=next((_word(entry.value, entry, file) for entry in own if entry.key == "Image"), None),
        entrypoint=tuple(word for entry in own if entry.key == "Entrypoint" for word in _words(entry, file, {})),
        command=tuple(word for entry in own if entry.key == "Exec" for word in _words(entry, file, {})),
        variables=tuple(one for entry in own if entry.key == "Environment" for one in environment(entry, file)),
        ports=tuple(container_port(_word(entry.value, entry, file)) for entry in own if entry.key == "PublishPort"),
        ports_are="PublishPort",
        devices=tuple(devices),
        has_nvidia="nvidia" in " ".join(devices) or "--gpus" in more,
        devices_known="--device" not in more,
        health=tuple(health),
        health_where=health[0].where if health else None,
        shares_host_network=any(entry.key == "Network" and entry.value == "host" for entry in own),
    )


def environment(entry: Entry, file: str) -> Iterator[Setting]:
    """`Environment="A=b c" D=e`"""
    for word in _words(entry, file, {}):
        if found := ASSIGNMENT.fullmatch(word.text):
            yield Setting(name=found["name"], value=found["value"], where=word.where, complete=word.complete)


def _words(entry: Entry, file: str, known: dict[str, str]) -> list[Word]:
    commands = split(entry.value.replace(";", r"\;"), known)
    return [_word(token.text, entry, file, complete=token.complete) for command in commands for token in command]


def _word(text: str, entry: Entry, file: str, *, complete: bool = True) -> Word:
    where = Where(file=file, line=entry.line)
    return Word(text=text, where=where, complete=complete and not _SPECIFIER.search(text) and "$" not in text)
