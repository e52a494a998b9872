"""Commands that build llama.cpp: what never reaches CMake, `make`, and programs that go by another name today."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from bakehouse.lint.command import ASSIGNMENT, Command
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.options import SourceOptions
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.check_cmake import ARCHS_OF_AMD, exists
from bakehouse.servers.llama_cpp.lint.known_options import Knowledge
from bakehouse.servers.llama_cpp.lint.old_names import OF_DOCKERFILES, OWN, meant_option
from bakehouse.servers.llama_cpp.lint.revisions import find_revisions

MAKEFILE_GONE = 6600
"""From this build on the Makefile is gone for certain (August 2025); since December 2024 it wanted LLAMA_MAKEFILE=1."""
PROGRAMS_RENAMED = 3400
"""From this build on programs are called `llama-*` for certain (June 2024)."""

_MAKE = frozenset({"make", "gmake", "mingw32-make"})
_TARGETS = frozenset({"all", "clean", "default", "lib", "install"})
_NO_DEFINITION = re.compile(r"-{0,2}(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::[A-Za-z]+)?=(?P<value>.*)", re.DOTALL)
_NO_VALUE = re.compile(r"-D(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::[A-Za-z]+)?")
_BY_ENVIRONMENT = re.compile(
    r"CMAKE_(?:BUILD_TYPE|BUILD_PARALLEL_LEVEL|GENERATOR.*|PREFIX_PATH|TOOLCHAIN_FILE|INSTALL_MODE|CONFIG_TYPE"
    r"|CONFIGURATION_TYPES|EXPORT_COMPILE_COMMANDS|.*_COMPILER_LAUNCHER|.*_LINKER_LAUNCHER|OSX_ARCHITECTURES|COLOR_.*"
    r"|NO_VERBOSE|TLS_.*|CROSSCOMPILING_EMULATOR|APPLE_SILICON_PROCESSOR|INSTALL_PREFIX|ARGS|PROGRAM_PATH"
    r"|LIBRARY_PATH|INCLUDE_PATH|FRAMEWORK_PATH|APPBUNDLE_PATH|AUTOGEN_.*)|.*_(?:ROOT|DIR|PATH|HOME)"
)
"""What CMake itself reads from the environment (cmake-env-variables(7)), and where packages are."""


def check_commands(
    commands: Sequence[Command], variables: Sequence[Setting], options: SourceOptions, knowledge: Knowledge
) -> Iterator[Finding]:
    """Of one stage or script, whose commands run one after the other. `variables` are set for all of them."""
    configured = False
    for index, command in enumerate(commands):
        if command.configures:
            configured = True
            yield from _check_words(command, options)
        elif command.builds:
            yield from _check_build(command, knowledge)
        elif command.program in _MAKE:
            fetched = any(one.llama and one.source for one in find_revisions(commands[:index]))
            yield from _check_make(command, variables, options, knowledge, configured=configured, fetched=fetched)


# ---------------------------------------------------------------------------------------------- words of CMake


def _check_words(command: Command, options: SourceOptions) -> Iterator[Finding]:
    before = ""
    for word in command.words[1:]:
        if word.text == "--preset" or word.text.startswith("--preset="):
            before = word.text
            continue
        found = _NO_DEFINITION.fullmatch(word.text)
        name = found["name"] if found else ""
        if before != "-D" and found and word.complete and not word.text.startswith("-D") and _is_option(name, options):
            yield finding(
                word,
                "is not given to CMake as an option",
                "Without -D before it CMake takes it for a folder or for an option of its own.",
                f"-D{OF_DOCKERFILES.get(name, name)}={found['value']}",
            )
        elif (found := _NO_VALUE.fullmatch(word.text)) and word.complete:
            yield finding(word, "stops CMake", "An option needs a value.", f"-D{found['name']}=ON")
        before = word.text


def _is_option(name: str, options: SourceOptions) -> bool:
    known = {*options.cmake.options, *ARCHS_OF_AMD, *OF_DOCKERFILES}
    return bool(OWN.match(name)) or name in known or name.startswith("CMAKE_")


def _check_build(command: Command, knowledge: Knowledge) -> Iterator[Finding]:
    targets, named = [], False
    for word in command.words[1:]:
        if word.text.startswith("-D") and "=" in word.text:
            yield finding(
                word,
                "comes too late",
                "`cmake --build` takes no options; it stops, or builds what was configured without it.",
                f"{word.text} where CMake configures: cmake -B build {word.text}",
            )
        if word.text in ("--target", "-t"):
            named = True
        elif word.text.startswith("-"):
            named = False
        elif named:
            targets.append(word)
    for word in targets:
        yield from old_program(word, knowledge, what="is not a target of this revision")


# ---------------------------------------------------------------------------------------------- make


def _check_make(
    command: Command,
    variables: Sequence[Setting],
    options: SourceOptions,
    knowledge: Knowledge,
    *,
    configured: bool,
    fetched: bool,
) -> Iterator[Finding]:
    own = [*_own_words(command), *(one for one in (*command.assigned, *variables) if OWN.match(one.name))]
    own = [one for one in own if not one.name.startswith(("LLAMA_ARG_", "LLAMA_MAKEFILE"))]
    if configured:
        for setting in _own_words(command):
            yield finding(
                Word(text=setting.as_variable, where=setting.where),
                "has no effect",
                "These make files were written by CMake, which has settled its options.",
                f"{_as_options([setting], options, knowledge)} where CMake configures",
            )
        return
    targets = [word.text for word in command.words[1:] if not word.text.startswith("-") and "=" not in word.text]
    programs = {one.old for one in knowledge.programs} | {one.new for one in knowledge.programs}
    elsewhere = any(word.text in ("-C", "-f", "--directory", "--file") for word in command.words) and not own
    others = bool(set(targets) - programs - _TARGETS) and not _own_words(command)
    if not (own or programs & set(targets) or (fetched and not elsewhere)) or (others and not fetched):
        return
    flags = _as_options(own, options, knowledge)
    named = f" --target {' '.join(_today(one, knowledge) for one in targets)}" if programs & set(targets) else ""
    yield finding(
        Word(text=" ".join(["make", *targets]), where=command.words[0].where),
        "stops: llama.cpp is no longer built by make",
        "Since August 2025 its Makefile only says that the build system has changed.",
        f"cmake -B build{f' {flags}' if flags else ''} && cmake --build build -j{named}; "
        "programs are in build/bin then",
        since_build=MAKEFILE_GONE,
    )


def _own_words(command: Command) -> list[Setting]:
    return [
        Setting(name=found["name"], value=found["value"], where=word.where, complete=word.complete)
        for word in command.words[1:]
        if (found := ASSIGNMENT.fullmatch(word.text)) and OWN.match(found["name"])
    ]


def _as_options(settings: Sequence[Setting], options: SourceOptions, knowledge: Knowledge) -> str:
    """What was told to make, as options of CMake. `X=1` switches on there, whatever the value."""
    found: dict[str, str] = {}
    for setting in settings:
        value = "ON" if setting.value in ("1", "") else setting.value
        if exists(setting.name, options.cmake):
            found[setting.name] = f"-D{setting.name}={value}"
        elif meant := meant_option(setting.name, value, options, knowledge):
            found[setting.name] = f"-D{meant.instead.replace(' and ', ' -D')}"
    return " ".join(found.values())


def _today(name: str, knowledge: Knowledge) -> str:
    return next((one.new for one in knowledge.programs if one.old == name), name)


# ---------------------------------------------------------------------------------------------- programs


def old_program(word: Word, knowledge: Knowledge, *, what: str = "is not built by this revision") -> Iterator[Finding]:
    """For a word that names a program of llama.cpp, perhaps with a path."""
    folder, slash, name = word.text.rpartition("/")
    new = _today(name, knowledge)
    if new != name:
        why = f"The program is called {new} today."
        yield finding(word, what, why, f"{folder}{slash}{new}", since_build=PROGRAMS_RENAMED)


# ---------------------------------------------------------------------------------------------- the environment


def check_unreached(
    variables: Sequence[Setting],
    steps: Sequence[Mapping[str, Setting]],
    options: SourceOptions,
    knowledge: Knowledge,
    used: Callable[[str], bool],
) -> Iterator[Finding]:
    """Variables that are set for a configure step and that only a -D would bring to CMake.

    `used` says whether anything takes a variable's value, as in `-DGPU_TARGETS=$AMDGPU_TARGETS`.
    """
    if not steps:
        return
    told = {name for step in steps for name in step}
    for setting in variables:
        if not _needs_definition(setting.name, options, knowledge) or used(setting.name):
            continue
        if setting.name in told or (setting.name in ARCHS_OF_AMD and told & ARCHS_OF_AMD):
            continue
        if exists(setting.name, options.cmake):
            name = "GPU_TARGETS" if setting.name in ARCHS_OF_AMD else setting.name
            option = f"{name}={setting.value}"
        else:
            meant = meant_option(setting.name, setting.value, options, knowledge)
            if meant is None or not meant.certain or not OWN.match(setting.name):
                continue
            option = meant.instead
        yield finding(
            Word(text=setting.as_variable, where=setting.where),
            "does not reach CMake",
            "CMake does not read this from the environment, so that the build goes by its default.",
            f"-D{option} on CMake's command line",
        )


def _needs_definition(name: str, options: SourceOptions, knowledge: Knowledge) -> bool:
    if name in options.cmake.environment or _BY_ENVIRONMENT.fullmatch(name):
        return False
    if any(fact.concerns(name) for fact in knowledge.environment):
        return False
    runtime = {one.environment for one in options.arguments} | set(options.environment)
    return name not in runtime and (bool(OWN.match(name)) or name in options.cmake.options or name in ARCHS_OF_AMD)
