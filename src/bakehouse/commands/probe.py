"""`probe`: ask a server that runs already, and attach what came out to the image that it was started from."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from bakehouse.commands.verify import signing_of, start_own
from bakehouse.config.layout import ProjectLayout
from bakehouse.config.suggest import perhaps
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.cell import Cell
from bakehouse.model.probe_job import ProbeJob
from bakehouse.model.report import RunReport
from bakehouse.model.suite import Served
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.probe_job import probe_job
from bakehouse.pipeline.probe_served import fetch_models, probe_served
from bakehouse.pipeline.project import open_project, revision
from bakehouse.pipeline.run_folder import RunFolder
from bakehouse.pipeline.run_steps import exit_code
from bakehouse.pipeline.suite_file import recipe_tests
from bakehouse.publish.keys import chosen_signer
from bakehouse.publish.results import attach
from bakehouse.registry.copying import required
from bakehouse.registry.location import is_loopback, parse
from bakehouse.registry.opening import Registries
from bakehouse.reporters.latest import update_latest
from bakehouse.reporters.terminal import show

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeOptions:
    url: str | None
    """Of the server; None: only its models are fetched."""
    job: Path | None = None
    """A file that `ci kubernetes` wrote, instead of a project."""
    cell: str | None = None
    image: str = ""
    """`HOST/REPOSITORY@DIGEST`."""
    device: str = "cpu"
    fetch: Path | None = None
    seconds: float = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    job: ProbeJob
    folder: Path
    """Where the cases' files are."""
    tests: tuple[Path, ...] = ()


def probe(context: Context, options: ProbeOptions) -> ExitCode:
    """Ends with 1 where the server is not what its cell promises, and with 4 where results could not be attached."""
    address = server_address(options.url) if options.url else None
    asked = _of_file(options.job) if options.job else _of_project(context, options)
    if options.fetch:
        fetch_models(asked.job, context, options.fetch)
    if address is None:
        return ExitCode.OK
    with ExitStack() as stack:
        attach = _attaching(context, asked.job.image, stack) if asked.job.image else None
        run, folder = _probe(context, options, asked, address)
        update_latest(context.reports, run.run)
        show(run, console=context.console, folder=folder.path)
        if attach:
            attach(run)
    return exit_code(run)


def server_address(url: str) -> str:
    """Without a slash at its end. Raises InputError for what is no address of a server."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise InputError(f"{url} is no server's address", hint="Write http://HOST:PORT, without a path.")
    return url.rstrip("/")


def _probe(context: Context, options: ProbeOptions, asked: _Asked, url: str) -> tuple[RunReport, RunFolder]:
    served = Served(url=url, device=options.device)
    return probe_served(
        asked.job, served, context, recipe_folder=asked.folder, tests=asked.tests, seconds=options.seconds
    )


def _attaching(context: Context, image: str, stack: ExitStack) -> Callable[[RunReport], None]:
    """Attaches a run's results to an image. Reasons against it are reported before anything is probed.

    Raises InputError for a name without a digest and where there is no key, RegistryError.
    """
    location = parse(image)
    if not DIGEST.fullmatch(location.reference):
        raise InputError(f"{image} names no digest", hint="Results belong to one image: REGISTRY/REPOSITORY@sha256:...")
    start_own(context, location, stack)
    signing = signing_of(context)
    signer = chosen_signer(context.environ, context.cache, signing, is_local=is_loopback(location.host))
    registries = Registries(context.environ)
    stack.callback(registries.close)
    store = registries.open(replace(location, reference=""))
    required(store, location.reference)
    return partial(attach, digest=location.reference, store=store, signer=signer, say=context.say)


def _of_file(path: Path) -> _Asked:
    try:
        job = ProbeJob.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        hint = "`bakehouse ci kubernetes` of the same version writes it."
        raise InputError(f"{path} is no job: {where}: {problem['msg']}", hint=hint) from None
    return _Asked(job=job, folder=path.parent)


def _of_project(context: Context, options: ProbeOptions) -> _Asked:
    project, resolution = open_project(context.root)
    cell = _cell(resolution.cells, options.cell)
    folder = ProjectLayout(root=context.root).recipe(cell.at.recipe)
    assert folder is not None
    job = probe_job(
        cell, project, root=context.root, image=options.image, revision=revision(context.root, context.environ)
    )
    return _Asked(job=job, folder=folder, tests=tuple(recipe_tests(context.root, [cell])))


def _cell(cells: tuple[Cell, ...], name: str | None) -> Cell:
    """Raises InputError for a name that the matrix does not have."""
    if name is None:
        raise InputError("whose server is it?", hint="Name its cell with --cell; `bakehouse plan` shows them all.")
    by_name = {cell.name: cell for cell in cells}
    if name not in by_name:
        words = [perhaps(name, list(by_name)), "`bakehouse plan` shows them."]
        raise InputError(f"there is no cell {name}", hint=" ".join(word for word in words if word))
    return by_name[name]
