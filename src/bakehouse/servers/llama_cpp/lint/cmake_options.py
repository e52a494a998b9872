"""What a source tree's own CMake files let a person set with `-D`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bakehouse.lint.cmake_language import CMakeCommand, commands
from bakehouse.lint.options import CMake, CMakeOption, Deprecated

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ENVIRONMENT = re.compile(r"(?:\$?ENV\{)([A-Za-z_][A-Za-z0-9_]*)\}")
_VARIABLE = re.compile(r"(?!CMAKE_)[A-Z][A-Za-z0-9]*_(?!FOUND)[A-Za-z0-9_]*")
"""Names that people would set: `GPU_TARGETS`, `CUDAToolkit_ROOT`; not `_tmp`, `STREQUAL` or `CUDAToolkit_FOUND`."""
_OPERATOR = re.compile(r"(?:STR|VERSION_)?(?:LESS|GREATER|EQUAL)(?:_EQUAL)?|IN_LIST|PATH_EQUAL|IS_[A-Z_]+")
"""Of if(), as far as they look like such a name."""
_COMPUTED = re.compile(r"(?P<prefix>[A-Z_]+_)\$\{[a-z_]+\}")
_TOUPPER_WITH_TARGET = 3
_CACHE_KINDS = frozenset({"BOOL", "FILEPATH", "PATH", "STRING"})
_OPTION_WITH_DEFAULT = 3
_DEPRECATED_WITH_NEW = 3


@dataclass(kw_only=True, slots=True)
class _Seen:
    """What is gathered on the way through the files."""

    options: dict[str, CMakeOption] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deprecated: dict[str, Deprecated] = field(default_factory=dict)
    compared: dict[str, list[str]] = field(default_factory=dict)
    """The texts that an option is compared with, by its name."""
    read: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    """Read in a way that allows for it to be set from outside: `if (NOT DEFINED X)`."""
    written: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    environment: set[str] = field(default_factory=set)
    function: str | None = None
    """The function whose body is being read."""
    templates: dict[str, str] = field(default_factory=dict)
    """Variables of that function that hold a computed name: `backend_id` to `GGML_`."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """Functions that read `PREFIX` + their argument: `ggml_add_backend` to `GGML_`."""
    calls: dict[str, list[str]] = field(default_factory=dict)
    """The first argument of each call, by name of the function."""

    @property
    def switches(self) -> set[str]:
        """Names that are read by computation: `ggml_add_backend(CANN)` reads GGML_CANN."""
        return {
            (prefix + name).upper()
            for function, prefix in self.prefixes.items()
            for name in self.calls.get(function, [])
        }


def read_cmake(files: Iterable[tuple[str, str]]) -> CMake:
    """From (path, text) of a tree's `CMakeLists.txt` and `*.cmake`. The first definition of an option counts."""
    seen = _Seen()
    for path, text in files:
        for command in commands(text):
            _look_at(command, path, seen)
    options = {
        name: option.model_copy(update={"choices": _choices(name, option, seen)})
        for name, option in seen.options.items()
    }
    outside = (seen.read - seen.written) | seen.asked | seen.switches
    return CMake(
        options=dict(sorted(options.items())),
        deprecated=dict(sorted(seen.deprecated.items())),
        variables=tuple(sorted(outside - options.keys())),
        packages=tuple(sorted(seen.packages)),
        environment=tuple(sorted(seen.environment)),
        switches=tuple(sorted(seen.switches)),
    )


def _choices(name: str, option: CMakeOption, seen: _Seen) -> tuple[str, ...]:
    """Of a switch: what it may be beside ON and OFF."""
    if option.kind == "BOOL":
        return tuple(dict.fromkeys(seen.compared.get(name, [])))
    return seen.choices.get(name, ())


def _look_at(command: CMakeCommand, path: str, seen: _Seen) -> None:
    arguments = command.arguments
    for argument in arguments:
        seen.read.update(name for name in _REFERENCE.findall(argument) if _VARIABLE.fullmatch(name))
        seen.environment.update(_ENVIRONMENT.findall(argument))
    if arguments:
        _look_at_computed(command.name, arguments, seen)
        _look_at_definition(command.name, arguments, path, seen)
        _look_at_use(command.name, arguments, seen)


def _look_at_computed(name: str, arguments: tuple[str, ...], seen: _Seen) -> None:
    """Functions that put a name together from their argument and then ask whether it is on."""
    match name:
        case "function" | "macro":
            seen.function, seen.templates = arguments[0].lower(), {}
        case "endfunction" | "endmacro":
            seen.function, seen.templates = None, {}
        case "string" if arguments[0] == "TOUPPER" and len(arguments) == _TOUPPER_WITH_TARGET:
            if found := _COMPUTED.fullmatch(arguments[1]):
                seen.templates[arguments[2]] = found["prefix"]
        case "if" if seen.function:
            asked = next((one for one in seen.templates if f"${{{one}}}" in arguments), None)
            if asked is not None:
                seen.prefixes[seen.function] = seen.templates[asked]
        case _:
            seen.calls.setdefault(name, []).append(arguments[0])


def _look_at_definition(name: str, arguments: tuple[str, ...], path: str, seen: _Seen) -> None:
    match name:
        case "option" | "cmake_dependent_option":
            default = arguments[2] if len(arguments) >= _OPTION_WITH_DEFAULT else "OFF"
            _keep(seen, arguments[0], CMakeOption(kind="BOOL", default=_plain(default), file=path))
        case "set" if "CACHE" in arguments[1:]:
            _keep_cached(arguments, path, seen)
        case "set_property" if arguments[0] == "CACHE" and "STRINGS" in arguments:
            values = arguments[arguments.index("STRINGS") + 1 :]
            seen.choices[arguments[1]] = tuple(part for value in values for part in value.split(";") if part)
        case "llama_option_depr" if len(arguments) > 1:
            new = arguments[2] if len(arguments) >= _DEPRECATED_WITH_NEW else None
            seen.deprecated[arguments[1]] = Deprecated(fatal=arguments[0] == "FATAL_ERROR", instead=new)
        case _:
            pass


def _look_at_use(name: str, arguments: tuple[str, ...], seen: _Seen) -> None:
    match name:
        case "set" | "unset" if "CACHE" not in arguments:
            seen.written.add(arguments[0])
        case "list" | "string":
            seen.written.update(arguments[1:])
        case "foreach" | "function" | "macro" | "execute_process" | "math" | "get_filename_component":
            seen.written.update(arguments)
        case "if" | "elseif" | "while":
            _look_at_condition(arguments, seen)
        case "find_package" if re.fullmatch(r"[A-Za-z0-9_]+", arguments[0]):
            seen.packages.add(arguments[0])
        case "ggml_add_backend":  # reads GGML_NAME, a name that stands nowhere for CANN and others
            seen.asked.add(f"GGML_{arguments[0].upper()}")
        case "find_library" | "find_path" | "find_program" | "find_file":
            seen.asked.update(arguments[:1])
        case _:
            pass


def _keep(seen: _Seen, name: str, option: CMakeOption) -> None:
    if "$" not in name:
        seen.options.setdefault(name, option)


def _keep_cached(arguments: tuple[str, ...], path: str, seen: _Seen) -> None:
    at = arguments.index("CACHE", 1)
    kind = arguments[at + 1] if at + 1 < len(arguments) else ""
    if kind in _CACHE_KINDS:
        default = ";".join(arguments[1:at])
        _keep(seen, arguments[0], CMakeOption.model_validate({"kind": kind, "default": _plain(default), "file": path}))


def _plain(default: str) -> str | None:
    """None where the default depends on something else."""
    return None if "${" in default else default


def _look_at_condition(arguments: tuple[str, ...], seen: _Seen) -> None:
    for name, operator, value in zip(arguments, arguments[1:], arguments[2:], strict=False):
        if operator == "STREQUAL":
            plain = name.removeprefix("${").removesuffix("}")
            seen.compared.setdefault(plain, []).append(value)
    before = ""
    for argument in arguments:
        if _VARIABLE.fullmatch(argument) and not _OPERATOR.fullmatch(argument):
            seen.read.add(argument)
            if before in ("DEFINED", "NOT"):
                seen.asked.add(argument)
        before = argument
