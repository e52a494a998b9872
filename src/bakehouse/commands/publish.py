"""`publish`: push what passed, as reports and engine have it, to a registry, and move a channel to it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakehouse.commands.publish_text import failed, report_of, tell
from bakehouse.config.suggest import suggest
from bakehouse.engine.connection import Engine
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.cell import Resolution
from bakehouse.model.publish import Publish
from bakehouse.model.publish_report import PublishReport, VariantReport
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.project import open_project
from bakehouse.pipeline.scratch import scratch
from bakehouse.pipeline.stack_report import is_of_stack
from bakehouse.publish.attestations import BuilderIdentity
from bakehouse.publish.candidates import Variant, variants, without_image
from bakehouse.publish.keys import chosen_signer, chosen_verifier
from bakehouse.publish.looking import Looker
from bakehouse.publish.place import PublishPlace, is_offline, open_place, vulnerability_database
from bakehouse.publish.publisher import PlannedPublication, Publisher
from bakehouse.publish.sources import Images
from bakehouse.registry.layout import LayoutFolder, write_tar
from bakehouse.reporters import json_file
from bakehouse.reporters.latest import find_latest
from bakehouse.system import atomic_write

REPORT = "publish.json"
ARCHIVE = "oci-archive:"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishOptions:
    runs: tuple[Path, ...] = ()
    """Folders of runs; without any, the latest."""
    channel: str | None = None
    """Without one, the first of the policy."""
    to: str | None = None
    only: tuple[str, ...] = ()
    stage: bool = False
    """Only to staging: another machine joins and publishes."""
    dry_run: bool = False
    install: bool = True


def publish(context: Context, options: PublishOptions) -> ExitCode:
    """Ends with 1 where a channel stays as it is, 4 where the registry failed; the same command goes on there."""
    project, resolution = open_project(context.root)
    policy = project.world.matrix.publish
    channel = None if options.stage else chosen_channel(policy, options.channel)
    folders = [folder.resolve() for folder in options.runs] or [latest_of_images(context)]
    runs = [json_file.read(folder) for folder in folders]
    cells = policy.channels[channel].cells if channel else ()
    found = variants(runs, wanted=wanted_platforms(resolution), only=options.only, cells=cells)
    if not found and (bad := without_image(runs, only=options.only, cells=cells)):
        context.say(f"no image to publish: {', '.join(bad)} did not pass")
        return ExitCode.CELL_FAILED
    if not found:
        raise InputError(
            "no run holds an image to publish"
            + (" that --only selects" if options.only else f" that {channel} takes" if cells else ""),
            hint="Run `bakehouse build-matrix` first, or name the folders of runs: bakehouse publish reports/RUN.",
        )
    report = PublishReport(time=datetime.now(UTC), runs=[run.run for run in runs], dry_run=options.dry_run)
    try:
        with _archive(context, options.to) as to:
            _publish(context, options, policy, channel=channel, found=found, to=to, report=report)
    finally:
        if not options.dry_run:
            atomic_write.write(folders[-1] / REPORT, report.model_dump_json(indent=2) + "\n")
    good = all(one.outcome not in ("stays", "failed") for one in report.variants)
    return ExitCode.OK if good else ExitCode.CELL_FAILED


def latest_of_images(context: Context) -> Path:
    """The latest run, or the newest before it where the latest tried a stack, whose images came from other runs."""
    latest = find_latest(context.reports)
    if not is_of_stack(json_file.read(latest)):
        return latest
    for path in sorted(context.reports.glob(f"*/{json_file.file}"), reverse=True):
        if path.parent.is_symlink() or is_of_stack(json_file.read(path.parent)):
            continue
        context.say(f"The latest run tried a stack; the newest of images is {path.parent.name}")
        return path.parent
    raise InputError(
        "the latest run tried a stack, and no run here is of images",
        hint="Name the folder of one: bakehouse publish reports/RUN.",
    )


def chosen_channel(policy: Publish, name: str | None) -> str:
    """Raises InputError for one that the policy does not have."""
    if name is None:
        return next(iter(policy.channels))
    if name not in policy.channels:
        raise InputError(
            f"there is no channel {name}",
            hint=f"{suggest(name, list(policy.channels))} Channels are in matrix.yaml, publish: channels:.",
        )
    return name


def wanted_platforms(resolution: Resolution) -> Mapping[tuple[str, str], Sequence[str]]:
    """What the matrix builds each variant for."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in resolution.cells:
        found.setdefault((cell.at.recipe, cell.at.variant), []).append(cell.at.platform)
    return found


def _publish(
    context: Context,
    options: PublishOptions,
    policy: Publish,
    *,
    channel: str | None,
    found: Sequence[Variant],
    to: str | None,
    report: PublishReport,
) -> None:
    """One variant after the other: an image that cannot be found costs no other. Raises what the registry raises."""
    recipes = [variant.recipe for variant in found]
    with (
        open_place(context, policy, to=to, recipes=recipes) as place,
        _engine(context, install=options.install) as engine,
        scratch(context.cache) as folder,
    ):
        for variant in found:
            images = Images(folder=folder, engine=engine, say=context.say)
            publisher = _publisher(context, place, variant, images, report.time)
            try:
                planned = publisher.plan(variant, channel)
            except InputError as error:
                context.say(f"{variant.title}: {error}")
                report.variants.append(failed(variant, publisher.target.name, channel, error))
                continue
            tell(planned.plan, context, dry_run=options.dry_run)
            report.variants.append(report_of(planned.plan, variant, publisher.target.name))
            if not options.dry_run:
                _execute(planned, report.variants[-1])
            for candidate in variant.candidates:
                images.forget(candidate)


def _execute(planned: PlannedPublication, told: VariantReport) -> None:
    """What the report says of it is what became of it."""
    try:
        planned.execute()
    except BaseException:
        told.outcome = "failed"
        raise


def _publisher(context: Context, place: PublishPlace, variant: Variant, images: Images, now: datetime) -> Publisher:
    policy = place.policy
    target, staging = place.stores(variant.recipe)
    return Publisher(
        policy=policy,
        target=target,
        staging=staging,
        images=images,
        looker=Looker(
            registries=None if is_offline(context) else place.registries,
            database=vulnerability_database(context, policy),
            now=now,
        ),
        signer=chosen_signer(context.environ, context.cache, policy.signing, is_local=place.is_on_this_machine),
        key=chosen_verifier(context.environ, context.cache, policy.signing, root=context.root),
        builder=BuilderIdentity.of(context.environ),
        now=now,
        say=context.say,
    )


class _LazyEngine:
    """Connects when the first image has to come from the engine: a job that joins has none."""

    def __init__(self, context: Context, stack: contextlib.ExitStack, *, install: bool) -> None:
        self._context, self._stack, self._install = context, stack, install
        self._engine: Engine | None = None

    def __call__(self) -> Engine:
        if self._engine is None:
            self._engine = self._stack.enter_context(open_engine(self._context, install=self._install))
        return self._engine


@contextlib.contextmanager
def _engine(context: Context, *, install: bool) -> Iterator[_LazyEngine]:
    with contextlib.ExitStack() as stack:
        yield _LazyEngine(context, stack, install=install)


@contextlib.contextmanager
def _archive(context: Context, to: str | None) -> Iterator[str | None]:
    """A tar file is written as a folder first, and takes its name when it is whole."""
    if not to or not to.startswith(ARCHIVE):
        yield to
        return
    path = Path(to.removeprefix(ARCHIVE)).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as name:
        yield f"oci:{name}"
        if (Path(name) / "index.json").exists():
            write_tar(LayoutFolder(Path(name)), path)
            context.say(f"wrote {path}")
