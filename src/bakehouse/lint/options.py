"""The options that one revision of a source has: CMake's, the server's arguments, and environment variables.

Kept beside the lockfile in `options/SOURCE.json`, so that neither `lint` nor `plan` needs the source tree, and so that
the diff of an update shows which options came and went.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bakehouse.config.layout import OPTIONS, ProjectLayout
from bakehouse.errors import InputError, Where
from bakehouse.model.field_types import Model, Text
from bakehouse.system import atomic_write

_NUMBER = re.compile(r"\s*[+-]?\.?[0-9]")
"""std::stoi and std::stof: a number at the beginning is enough."""
_WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]+")
_NUMBER_WITH_FRACTION = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class CMakeOption(Model):
    """What `option()` or `set(... CACHE ...)` declares."""

    kind: Literal["BOOL", "FILEPATH", "PATH", "STRING"]
    default: str | None = None
    """As written; None where it depends on something else."""
    choices: tuple[str, ...] = ()
    """The values that the source names."""
    file: Text


class Deprecated(Model):
    """An option that the source still knows, only to complain about it."""

    fatal: bool = False
    """Whether setting it stops CMake."""
    instead: Text | None = None


class CMake(Model):
    """What a configure step can be told."""

    options: dict[Text, CMakeOption] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    deprecated: dict[Text, Deprecated] = {}  # noqa: RUF012
    variables: tuple[Text, ...] = ()
    """Names that its files read without declaring them."""
    packages: tuple[Text, ...] = ()
    """What it looks for with find_package: `NAME_ROOT` and `NAME_DIR` say where."""
    environment: tuple[Text, ...] = ()
    """Variables of the environment that its files read."""
    switches: tuple[Text, ...] = ()
    """Names of backends, which its files put together: they switch a backend on."""


class Argument(Model):
    """An option of the server's command line."""

    names: tuple[Text, ...]
    negated: tuple[Text, ...] = ()
    """Names that say no: `--no-warmup`."""
    takes: Literal["nothing", "number", "text", "two"] = "nothing"
    hint: Text | None = None
    """As `--help` prints it: `[on|off|auto]`."""
    choices: tuple[Text, ...] = ()
    """The only values that are accepted, beside numbers; without any, all."""
    number: bool = False
    """Of a text: whether it must begin with a number unless it is one of the choices."""
    environment: Text | None = None
    """The variable that says the same."""
    removed: Text | None = None
    """What the server says before it exits."""

    def accepts(self, value: str) -> bool:
        """Whether the server starts with a value, as far as its source says."""
        if self.takes == "number" or self.number:
            return value in self.choices or bool(_NUMBER.match(value))
        return not self.choices or value in self.choices

    def read_part(self, value: str) -> str | None:
        """What the server takes of a value that only begins with a number: 32 of `32k`; None where it takes all."""
        if value in self.choices or not (self.takes == "number" or self.number):
            return None
        form = _WHOLE_NUMBER if self.takes == "number" else _NUMBER_WITH_FRACTION
        found = form.match(value)
        return found[0].strip() if found and found.end() < len(value.rstrip()) else None

    @property
    def advice(self) -> str:
        """What it accepts, for people: empty where that is anything."""
        number = "a number" if self.takes == "number" or self.number else ""
        accepted = [one for one in (number, *self.choices) if one]
        return f"one of: {', '.join(accepted)}" if len(accepted) > 1 else "".join(accepted)


class SourceOptions(Model):
    """`options/SOURCE.json`: everything that one revision reads."""

    version: Literal[1] = 1
    revision: Text
    """Commit of the tree that this was read from."""
    cmake: CMake = CMake()
    arguments: tuple[Argument, ...] = ()
    environment: tuple[Text, ...] = ()
    """Variables that its programs and libraries read."""
    build_arguments: tuple[Text, ...] = ()
    """ARG of the Dockerfiles that come with it."""
    dockerfiles: tuple[Text, ...] = ()
    """Their paths."""


def options_file(source: str) -> str:
    """Relative to the project's folder."""
    return f"{OPTIONS}/{source}.json"


def load_options(root: Path, source: str) -> SourceOptions | None:
    """What the project, or bakehouse, kept for a source of the matrix. Raises InputError for a broken file."""
    layout = ProjectLayout(root=root)
    path = layout.find(options_file(source))
    if path is None:
        return None
    try:
        return SourceOptions.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        hint = f"It is generated: `bakehouse lint --update` writes {options_file(source)} again."
        where = Where(file=layout.label(path))
        raise InputError(f"{place or 'the file'}: {first['msg']}", hint=hint, where=where) from None


def save_options(root: Path, source: str, options: SourceOptions) -> bool:
    """Write them. Whether that changed the file."""
    path, text = root / options_file(source), render_options(options)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(exist_ok=True)
    atomic_write.write(path, text)
    return True


def render_options(options: SourceOptions) -> str:
    """JSON with one option a line, so that a diff reads as a list of what came and went."""
    data = options.model_dump(mode="json", exclude_defaults=True)
    cmake = data.get("cmake", {})
    lines = ["{", f'  "version": {options.version},', f'  "revision": {json.dumps(options.revision)},', '  "cmake": {']
    parts = [_table(key, cmake[key], "    ") for key in CMake.model_fields if key in cmake]
    lines += [",\n".join(parts), "  },"]
    lines += [
        ",\n".join(
            _table(key, data.get(key, []), "  ")
            for key in ("arguments", "environment", "build_arguments", "dockerfiles")
        ),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _table(key: str, value: dict[str, object] | list[object], indent: str) -> str:
    if isinstance(value, dict):
        rows = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in value.items()]
        left, right = "{", "}"
    else:
        rows, left, right = [json.dumps(row) for row in value], "[", "]"
    inner = ",\n".join(f"{indent}  {row}" for row in rows)
    return (
        f"{indent}{json.dumps(key)}: {left}\n{inner}\n{indent}{right}"
        if rows
        else f"{indent}{json.dumps(key)}: {left}{right}"
    )
