"""`schema`: write the JSON Schemas, or with --check say which are stale."""

from __future__ import annotations

from bakehouse.config.json_schema import FOLDER, schemas, stale
from bakehouse.errors import ExitCode, InputError
from bakehouse.pipeline.context import Context
from bakehouse.system import atomic_write


def schema(context: Context, *, check: bool) -> ExitCode:
    old = stale(context.root)
    if check and old:
        raise InputError(f"stale: {', '.join(old)}", hint="Run `bakehouse schema` and commit what it writes.")
    if not check:
        for name, text in schemas().items():
            atomic_write.write(context.root / FOLDER / name, text)
    context.say(f"{len(schemas())} schemas are up to date" if check or not old else f"wrote {', '.join(old)}")
    return ExitCode.OK
