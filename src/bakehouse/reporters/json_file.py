"""`run.json`: the run as it is. Every other report can be drawn from it again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from bakehouse.errors import InputError
from bakehouse.model.report import SCHEMA_VERSION, RunReport

file = "run.json"

_SHOWN_PROBLEMS = 5


def render(run: RunReport, *, folder: Path) -> str:  # noqa: ARG001 - a Reporter
    """Keys in the model's order, those of open dictionaries sorted: two runs can be compared with diff."""
    return json.dumps(_plain(run), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read(folder: Path) -> RunReport:
    """The run that was recorded in a folder. InputError says what is wrong and what can be done."""
    path = folder / file
    record = _load(path)
    _refuse_newer(path, record)
    try:
        return RunReport.model_validate(record)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems[:_SHOWN_PROBLEMS]]
        more = [f"and {len(problems) - _SHOWN_PROBLEMS} more"] if len(problems) > _SHOWN_PROBLEMS else []
        raise InputError(
            f"{path} is damaged: it is JSON, but not the record of a run\n  " + "\n  ".join(lines + more),
            hint="it was changed by hand or by another program; restore it, or run again",
        ) from None


def refuse_newer(folder: Path) -> None:
    """InputError where the folder holds a run that a newer bakehouse recorded: it is not ours to overwrite."""
    path = folder / file
    if path.exists():
        try:
            record = _load(path)
        except InputError:
            return
        _refuse_newer(path, record)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "name the folder of one run, for example reports/latest"
        raise InputError(f"{path.parent} holds no {path.name}", hint=hint) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8", hint="it is damaged; restore it, or run again") from None
    except (json.JSONDecodeError, RecursionError) as error:
        place = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{path} is not JSON{place}", hint="it is damaged; restore it, or run again") from None


def _refuse_newer(path: Path, record: Any) -> None:
    version = record.get("schema_version") if isinstance(record, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        writer = record.get("bakehouse", "a newer one")
        raise InputError(
            f"{path} was recorded by bakehouse {writer} in schema {version}; "
            f"this bakehouse reads up to {SCHEMA_VERSION}",
            hint="use that version or a newer one; the file was left as it is",
        )


def _plain(value: Any) -> Any:
    """Like pydantic's dump, but open dictionaries are sorted, and a float that JSON lacks is a string it reads back."""
    match value:
        case BaseModel():
            return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
        case dict():
            return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if not math.isfinite(value):
            return str(value)
        case str() | int() | float() | None:
            return value
        case _:
            return to_jsonable_python(value, serialize_unknown=True)
