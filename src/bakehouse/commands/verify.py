"""`verify`: say in plain words who built an image, from what, what it passed and how fast it was."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bakehouse.config.layout import MATRIX_FILE
from bakehouse.config.load import load_project
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.publish import Signing
from bakehouse.pipeline.context import Context
from bakehouse.publish.keys import chosen_verifier
from bakehouse.publish.local_registry import local_registry
from bakehouse.publish.verify import Verified, lines, verify
from bakehouse.registry.location import Location, parse
from bakehouse.registry.opening import Registries


def verify_image(context: Context, reference: str, *, key: Path | None, as_json: bool, out: Console) -> ExitCode:
    """Ends with 1 where something is missing or wrong."""
    location = parse(reference)
    if not location.reference:
        raise InputError(f"{reference} names no image", hint="Add a tag or a digest: NAME:TAG, NAME@sha256:...")
    verifier = chosen_verifier(context.environ, context.cache, signing_of(context), root=context.root, given=key)
    with ExitStack() as stack:
        start_own(context, location, stack)
        registries = Registries(context.environ)
        stack.callback(registries.close)
        found = verify(registries.read(location), location.reference, name=str(location), key=verifier)
    if as_json:
        sys.stdout.write(_json(found) + "\n")
    else:
        _show(found, out)
    return ExitCode.OK if found.is_good else ExitCode.CELL_FAILED


def signing_of(context: Context) -> Signing:
    """By matrix.yaml; images can be verified without a project as well."""
    if not (context.root / MATRIX_FILE).exists():
        return Signing()
    return load_project(context.root, locks=False).world.matrix.publish.signing


def start_own(context: Context, location: Location, stack: ExitStack) -> None:
    """Start the registry of this machine, where the image is in it."""
    kept = context.cache / "registry" / "port"
    if kept.exists() and location.host == f"127.0.0.1:{kept.read_text(encoding='ascii').strip()}":
        stack.enter_context(local_registry(context.cache, context.environ, context.say).running())


def _show(found: Verified, out: Console) -> None:
    out.print(Text(found.reference, style="bold"), soft_wrap=True)
    for word, what in lines(found):
        out.print(Text.assemble((f"  {word:<9}", "dim"), what), soft_wrap=True)
    for problem in found.problems:
        out.print(Text.assemble(("  missing  ", "bold red"), problem), soft_wrap=True)
    if found.is_good:
        out.print(Text("  it is what it says it is", style="green"), soft_wrap=True)


def _json(found: Verified) -> str:
    return json.dumps(
        {
            "reference": found.reference,
            "digest": found.digest,
            "platforms": [{"platform": one.name, "digest": one.digest, "cell": one.cell} for one in found.platforms],
            "key": found.key,
            "problems": list(found.problems),
            "statements": [one.statement for one in found.statements if one.valid],
        },
        indent=2,
    )
