"""A shell script or a command line: configure steps, builds, servers and containers that it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bakehouse.lint.cmake_names import is_true
from bakehouse.lint.command import Command, definitions
from bakehouse.lint.container_run import container_of
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import Finding, Severity, finding, in_order
from bakehouse.lint.script import Script
from bakehouse.lint.server_start import ServerStart, find_start
from bakehouse.lint.settings import Setting
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_any_service import check_any_service, check_cards
from bakehouse.servers.llama_cpp.lint.check_arguments import check_arguments
from bakehouse.servers.llama_cpp.lint.check_cmake import (
    check_backends,
    check_cpu_plugin,
    check_doubles,
    check_step,
    exists,
)
from bakehouse.servers.llama_cpp.lint.check_commands import check_commands, check_unreached, old_program
from bakehouse.servers.llama_cpp.lint.check_container import check_container, looked_at
from bakehouse.servers.llama_cpp.lint.check_environment import check_variable
from bakehouse.servers.llama_cpp.lint.check_mounts import check_mounts
from bakehouse.servers.llama_cpp.lint.check_revision import check_revisions, lowered, other_revision
from bakehouse.servers.llama_cpp.lint.containers import is_about, upstream_of
from bakehouse.servers.llama_cpp.lint.old_names import OWN
from bakehouse.servers.llama_cpp.lint.own_steps import own_steps
from bakehouse.servers.llama_cpp.lint.python_builds import python_steps
from bakehouse.servers.llama_cpp.lint.revisions import find_revisions
from bakehouse.servers.llama_cpp.lint.upstream_images import SERVER
from bakehouse.servers.others.check_container import check_container as check_any_container
from bakehouse.servers.others.check_start import check_start
from bakehouse.servers.others.started import find_program, started_by
from bakehouse.servers.others.started import looked_at as others_looked_at

OLD_SERVER = "server"
_OF_A_SERVER = re.compile(r"--?(?:m|model|ngl|n-gpu-layers|hf|hf-repo|c|ctx-size|fa|flash-attn)|.*\.gguf")
"""Words that make a program called `server` one of llama.cpp."""


def check_script(script: Script, text: str, basis: Basis, *, kind: str) -> Examined:
    """Findings in the order of the text, and how much was looked at."""
    revisions = list(find_revisions(script.commands))
    other = other_revision(revisions, basis.at_hand)
    starts = list(_starts(script.commands))
    findings = [
        *check_revisions(revisions, basis.at_hand),
        *lowered(_check_steps(script, text, basis), other, basis.at_hand),
        *lowered(
            check_commands(script.commands, script.variables, basis.options, basis.knowledge), other, basis.at_hand
        ),
        *lowered(_check_starts(script, starts, basis), other, basis.at_hand),
    ]
    looked = _looked(script, starts)
    for command in script.commands:
        run = container_of(command)
        if run is not None and (is_about(run) or started_by(run) is not None):
            findings += check_any_container(run, is_upstream=upstream_of(run) is not None)
        if run is not None and is_about(run):
            findings += check_container(run, basis)
            findings += check_mounts(run)
            looked += looked_at(run)
        elif run is not None:
            findings += [*check_cards(run), *check_any_service(run, basis)]
            looked += others_looked_at(started_by(run))
        elif found := find_program(command.words, command.assigned):
            findings += check_start(found)
            looked += others_looked_at(found)
    return Examined(file=script.file, findings=in_order(findings), looked=looked, kind=kind)


def _steps(script: Script) -> Iterator[Sequence[Setting]]:
    steps = ((one, tuple(definitions(one.words[1:]))) for one in script.commands if one.configures)
    for _, step in own_steps(steps, script.commands, by_default=True):
        yield step
    for _, step in python_steps(script.commands, script.variables):
        yield step


def _check_steps(script: Script, text: str, basis: Basis) -> Iterator[Finding]:
    steps = []
    for step in _steps(script):
        by_name = {setting.name: setting for setting in step}
        steps.append(by_name)
        yield from check_doubles(step)
        yield from check_step(by_name, basis.options, basis.knowledge, for_image=False)
        yield from check_cpu_plugin(by_name)
        yield from _check_sycl(by_name, script)
    yield from check_backends(steps, basis.options.cmake)
    exported = [one for one in script.variables if one.name in script.exported]
    given = [*exported, *(one for command in script.commands if command.configures for one in command.assigned)]
    yield from check_unreached(
        given,
        steps,
        basis.options,
        basis.knowledge,
        lambda name: bool(re.search(rf"\$\{{?{re.escape(name)}\b", text)),
    )


def _check_sycl(step: Mapping[str, Setting], script: Script) -> Iterator[Finding]:
    """SYCL where nothing names a compiler for it: CMake takes the first that it finds, which is another one."""
    switch = step.get("GGML_SYCL")
    named = {*step, *(one.name for one in script.variables), *(a.name for c in script.commands for a in c.assigned)}
    if switch and is_true(switch.value) and not named & {"CMAKE_CXX_COMPILER", "CXX", "CMAKE_TOOLCHAIN_FILE"}:
        yield finding(
            switch,
            "names no compiler for SYCL",
            'CMake takes g++ where it finds it, which knows no SYCL: "C++ compiler lacks SYCL support".',
            "-DCMAKE_C_COMPILER=icx -DCMAKE_CXX_COMPILER=icpx beside it",
            severity=Severity.WARNING,
            link="https://github.com/ggml-org/llama.cpp/blob/master/docs/backend/SYCL.md",
        )


def _starts(commands: Sequence[Command]) -> Iterator[tuple[Command, ServerStart]]:
    for command in commands:
        start = find_start(command.words, (SERVER, OLD_SERVER))
        if start is None:
            continue
        named_server = start.program.text.rpartition("/")[2] == OLD_SERVER
        if not named_server or any(_OF_A_SERVER.fullmatch(word.text) for word in start.words):
            yield command, start


def _check_starts(script: Script, starts: Sequence[tuple[Command, ServerStart]], basis: Basis) -> Iterator[Finding]:
    exported = [one for one in script.variables if one.name in script.exported]
    if starts:
        builds = any(True for _ in script.steps)
        for setting in exported:
            if builds and exists(setting.name, basis.options.cmake):
                continue  # said where it does not reach CMake
            yield from check_variable(setting, basis.options, basis.knowledge, stage="run", other_program="the script")
    for command, start in starts:
        for setting in command.assigned:
            yield from check_variable(setting, basis.options, basis.knowledge, stage="run")
        environment = {setting.name: setting for setting in (*exported, *command.assigned)}
        yield from check_arguments(start.words, basis.options, basis.knowledge, environment)
        yield from old_program(start.program, basis.knowledge)
    for command in script.commands:
        if command.program != OLD_SERVER and any(_OF_A_SERVER.fullmatch(word.text) for word in command.words[1:]):
            yield from old_program(command.words[0], basis.knowledge)


def _looked(script: Script, starts: Sequence[tuple[Command, ServerStart]]) -> Looked:
    arguments = [word for _, start in starts for word in start.words]
    steps = [setting for step in _steps(script) for setting in step]
    presets = [
        command
        for command in script.commands
        if command.configures
        for word in command.words
        if "--preset" in word.text
    ]
    unknown = [word.text for word in arguments if not word.complete]
    not_at = [f"{text}, which only a running shell knows" for text in unknown]
    not_at += [f"the preset of line {command.words[0].where.line}" for command in presets]
    variables = [one for one in script.variables if one.name in script.exported and OWN.match(one.name)]
    return Looked(
        options=len(steps),
        arguments=len(arguments),
        variables=len(variables) + sum(len(command.assigned) for command, _ in starts),
        not_at=tuple(dict.fromkeys(not_at)),
    )


def is_of_interest(script: Script) -> bool:
    """Whether it has anything that is looked at."""
    return any(
        command.configures
        or command.builds
        or (run is not None and (is_about(run) or started_by(run) is not None))
        or find_program(command.words) is not None
        for command in script.commands
        for run in (container_of(command),)
    ) or bool(
        list(_starts(script.commands))
        or list(find_revisions(script.commands))
        or any(command.program in ("make", "gmake") for command in script.commands)
    )
