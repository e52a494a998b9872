"""`ci collect`: bring home what machines far away attached to the digests that they tested."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bakehouse.errors import ExitCode, InputError
from bakehouse.formatting import count
from bakehouse.model.report import RunReport
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.publish.candidates import Candidate, Variant, variants
from bakehouse.publish.keys import chosen_verifier
from bakehouse.publish.place import PublishPlace, open_place
from bakehouse.publish.results import attached_runs
from bakehouse.publish.signing import Verifier
from bakehouse.registry.store import Source
from bakehouse.reporters import json_file
from bakehouse.reporters.latest import find_latest
from bakehouse.reporters.registry import write_all

_RUN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{1,16}(?:-[0-9a-f]{1,16})?")


def collect(context: Context, runs: Sequence[Path]) -> ExitCode:
    """Write the reports of all runs that tested the images of `runs` (default: of the latest) into `reports`.

    Ends with 1 where there are no results yet for an image. Raises RegistryError.
    """
    project, _ = open_project(context.root)
    policy = project.world.matrix.publish
    key = chosen_verifier(context.environ, context.cache, policy.signing, root=context.root)
    folders = [folder.resolve() for folder in runs] or [find_latest(context.reports)]
    candidates = [one for variant in _variants(folders) for one in variant.candidates]
    if not candidates:
        raise InputError("no run holds an image", hint="Name the folders of runs that built: reports/RUN.")
    silent = []
    with open_place(context, policy, to=None, recipes=[one.at.recipe for one in candidates]) as place:
        for candidate in candidates:
            found = _of(candidate, place, key, context)
            silent += [] if found else [candidate.cell]
            for run in found:
                _keep(run, context)
    if silent:
        context.say(f"there are no results yet for {', '.join(silent)}")
    return ExitCode.CELL_FAILED if silent else ExitCode.OK


def _variants(folders: Sequence[Path]) -> list[Variant]:
    return variants([json_file.read(folder) for folder in folders], wanted={})


def _of(candidate: Candidate, place: PublishPlace, key: Verifier | None, context: Context) -> list[RunReport]:
    """From staging, or where there is none from the target."""
    target, staging = place.stores(candidate.at.recipe)
    store: Source = staging or target
    found, refused = attached_runs(store, candidate.digest, key)
    for why in refused:
        context.say(f"{candidate.cell}: left out: {why}")
    good = [run for run in found if _RUN.fullmatch(run.run) and [cell.name for cell in run.cells] == [candidate.cell]]
    context.say(f"{candidate.cell}: {count(len(good), 'report')} in {store.name}")
    return good


def _keep(run: RunReport, context: Context) -> None:
    folder = context.reports / run.run
    if (folder / json_file.file).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_all(run, folder)
    (cell,) = run.cells
    context.say(f"wrote {folder.relative_to(context.root)}: {cell.name} {cell.verdict} on {run.host.name}")
