"""The name of today for one that the source does not have, of whatever kind it is.

Advice never crosses backends, and never is to leave a backend out: the image would build, start and answer without the
card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bakehouse.lint.nearest import CLOSE, ONE_LETTER, nearest
from bakehouse.lint.options import Argument, CMake, SourceOptions
from bakehouse.servers.llama_cpp.lint.known_options import Knowledge, Meaning

OWN = re.compile(r"(?:GGML|LLAMA|MTMD|WHISPER|SD)_")
_DECORATION = re.compile(r"(?:USE|WITH|ENABLE|BUILD|HAVE)_")
_ON = "ON"


@dataclass(frozen=True, kw_only=True, slots=True)
class Meant:
    """What to write instead, and why."""

    what: str
    why: str
    instead: str
    certain: bool = True
    """False for a guess by spelling."""


OF_DOCKERFILES = {"CUDA_DOCKER_ARCH": "CMAKE_CUDA_ARCHITECTURES", "ROCM_DOCKER_ARCH": "GPU_TARGETS"}
"""Build arguments of upstream's Dockerfiles, and the CMake options that those make of them."""


def plain(name: str) -> str:
    """`LLAMA_USE_CUBLAS` to `CUBLAS`: without the prefix of a project and what people put before a library's name."""
    rest = OWN.sub("", name, count=1)
    return _DECORATION.sub("", rest, count=1) or rest


def backend_of(name: str, knowledge: Knowledge) -> Meaning | None:
    """The backend that a name speaks of, under whatever name it has gone: of `GGML_HIPBLAS` and of `GGML_HIP_UMA`."""
    rest = plain(name)
    fits = [
        (len(word), meaning)
        for meaning in knowledge.backends
        for word in meaning.words
        if rest == word or rest.startswith(f"{word}_")
    ]
    return max(fits, key=lambda one: one[0])[1] if fits else None


def meant_option(name: str, value: str, options: SourceOptions, knowledge: Knowledge) -> Meant | None:
    """For a CMake option that the source does not read."""
    return next(
        (
            found
            for found in (
                _renamed_option(name, value, options.cmake, knowledge),
                _of_another_kind(name, value, options),
                _near_option(name, options.cmake, knowledge),
            )
            if found
        ),
        None,
    )


def _renamed_option(name: str, value: str, cmake: CMake, knowledge: Knowledge) -> Meant | None:
    known = {*cmake.options, *cmake.variables}
    new = next((one for one in _names_today(name, knowledge) if one.partition("=")[0] in known), None)
    if new is None:
        return None
    option, equals, fixed = new.partition("=")
    meaning = backend_of(name, knowledge)
    beside = _beside(name, option, meaning, value)
    why = "CMake takes it without a word and nothing reads it."
    if meaning and option == meaning.option and value.upper() == _ON:
        why = "CMake takes it without a word and nothing reads it: what is built has no such backend."
    instead = f"{option}={_negated(value) if equals and fixed == 'OFF' else value or _ON}{beside}"
    return Meant(what=f"is called {option} today", why=why, instead=instead)


def _negated(value: str) -> str:
    return "OFF" if value.upper() in ("ON", "1", "TRUE", "YES", "Y") else "ON"


def _beside(name: str, option: str, meaning: Meaning | None, value: str) -> str:
    """What has to stand beside the switch to say the same: the vendor of a BLAS."""
    if meaning is None or option != meaning.option or value.upper() in ("OFF", "0"):
        return ""
    further = meaning.beside.get(plain(name))
    return f" and {further}" if further else ""


def _names_today(name: str, knowledge: Knowledge) -> Iterator[str]:
    """Candidates, the best first; `=OFF` behind one means that it says the opposite."""
    rest = plain(name)
    meaning = backend_of(name, knowledge)
    for prefix in ("GGML_", "LLAMA_"):
        yield prefix + rest
    if meaning is not None:
        word = max((one for one in meaning.words if rest == one or rest.startswith(f"{one}_")), key=len)
        yield meaning.option + rest[len(word) :]
    if rest.startswith("NO_"):
        yield f"GGML_{rest[3:]}=OFF"
        yield f"LLAMA_{rest[3:]}=OFF"


def _near_option(name: str, cmake: CMake, knowledge: Knowledge) -> Meant | None:
    """By spelling; of a name that speaks of a backend among the options of that one only."""
    mine = backend_of(name, knowledge)
    known = [*cmake.options, *cmake.variables]
    if mine is not None:
        known = [one for one in known if backend_of(one, knowledge) == mine]
    found = nearest(name, known, close=ONE_LETTER if name.count("_") == 1 else CLOSE)
    if found:
        why = "CMake takes it without a word and nothing reads it."
        return Meant(what="is not an option of this revision", why=why, instead=found, certain=False)
    return None


# ---------------------------------------------------------------------------------------------- other kinds of names


def _of_another_kind(name: str, value: str, options: SourceOptions) -> Meant | None:
    variables = {one.environment for one in options.arguments if one.environment} | set(options.environment)
    nothing = "CMake takes it without a word and nothing reads it."
    if name in variables:
        return Meant(
            what="is a variable, not an option of CMake",
            why=f"{nothing} The programs read it when they run.",
            instead=f"ENV {name}={value} in the image",
        )
    if found := argument_called(name, options):
        what = "is an argument of the server, not an option of CMake"
        return Meant(what=what, why=nothing, instead=written(found, value))
    if name in options.build_arguments:
        return Meant(
            what="is an argument of upstream's own Dockerfile, not an option of CMake",
            why=nothing,
            instead=f"{OF_DOCKERFILES[name]}={value}" if name in OF_DOCKERFILES else "what that Dockerfile makes of it",
        )
    return None


def argument_called(name: str, options: SourceOptions) -> Argument | None:
    """The server's argument that a variable's or an option's name speaks of: `LLAMA_FLASH_ATTN`, `--n_parallel`."""
    wanted = name.upper().lstrip("-").replace("-", "_")
    for prefix in ("LLAMA_ARG_", "LLAMA_SERVER_", "LLAMA_CPP_", "LLAMACPP_", "LLAMA_", "GGML_"):
        wanted = wanted.removeprefix(prefix)
    for one in options.arguments:
        spellings = {text.lstrip("-").replace("-", "_").upper() for text in one.names if len(text) > 2}  # noqa: PLR2004 - not `-c`
        if one.environment:
            spellings.add(one.environment.removeprefix("LLAMA_ARG_"))
        if wanted in spellings and not one.removed:
            return one
    return None


def written(argument: Argument, value: str) -> str:
    """An argument as one writes it: with a value, where it takes one."""
    name = next((one for one in argument.names if one.startswith("--")), argument.names[0])
    return name if argument.takes == "nothing" else f"{name} {value or argument.hint or 'VALUE'}"


def meant_variable(name: str, value: str, options: SourceOptions, knowledge: Knowledge) -> Meant | None:
    """For a variable that nothing reads."""
    if name in options.cmake.options or name in options.cmake.variables:
        return Meant(
            what="is an option of CMake, not a variable",
            why="CMake does not read it from the environment, and no program does.",
            instead=f"-D{name}={value} on CMake's command line",
        )
    if argument := argument_called(name, options):
        variable = argument.environment
        instead = f"{variable}={value}" if variable else f"{written(argument, value)} as an argument"
        return Meant(what="is read by nothing", why="No source of this revision has this name.", instead=instead)
    if renamed := _renamed_option(name, value, options.cmake, knowledge):
        return Meant(
            what="is read by nothing",
            why="It speaks of a build, and neither CMake nor a program reads it from the environment.",
            instead=f"-D{renamed.instead} on CMake's command line",
        )
    return None


def meant_argument(name: str, options: SourceOptions) -> Meant | None:
    """For an argument that the server does not take."""
    if found := argument_called(name, options):
        return Meant(what="is not an argument of this revision", why="The server exits.", instead=written(found, ""))
    if name.startswith("-D") and name[2:].partition("=")[0] in options.cmake.options:
        why = "The server exits: it was settled when the server was built."
        return Meant(what="is an option of CMake, not an argument", why=why, instead=f"{name} on CMake's command line")
    return None
