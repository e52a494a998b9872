"""A stack's plan for a machine, with what disks and reports tell: models, and images that passed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bakehouse.config.layout import STACKS, ProjectLayout
from bakehouse.config.load import Project
from bakehouse.errors import InputError
from bakehouse.machine import detect
from bakehouse.model.cases import Upload
from bakehouse.model.cell import Resolution
from bakehouse.model.enums import Verdict
from bakehouse.model.matrix import Matrix
from bakehouse.model.report import CellReport, Measurement, RunReport
from bakehouse.model.stack import ServedModel, Stack
from bakehouse.model_files.gguf.header import read_header
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.planning.gpus import Target
from bakehouse.reporters import json_file
from bakehouse.stacks import machines
from bakehouse.stacks.elsewhere import for_other_vendors
from bakehouse.stacks.inputs import StackInputs
from bakehouse.stacks.load import load_stack
from bakehouse.stacks.loaded import Loaded, raise_all, wrong
from bakehouse.stacks.need import ModelFacts
from bakehouse.stacks.plan import StackMachine, StackPlan
from bakehouse.stacks.resolve import resolve_stack

_VIDEO, _RENDER = 44, 992
"""Numbers on Debian and Ubuntu, where no node says another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What somebody asked for."""

    name: str
    host: str | None = None
    untested: bool = False
    here: bool = False
    """Whether it is to run here: models are those of the cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A plan, and what it was made from."""

    plan: StackPlan
    inputs: StackInputs
    root: Path
    """The project whose stack it is, or the folder with what ships: files of probes are named from here."""
    project: Project
    resolution: Resolution
    others: Mapping[str, StackPlan | str]
    """Vendor to the plan with the images that its cards would get in a cluster, or why there is none."""


def make_stack_plan(context: Context, wanted: Wanted) -> Made:
    """Read, resolve and check. Raises InputErrors with file and line."""
    layout = ProjectLayout(root=context.root)
    loaded = load_stack(wanted.name, layout=layout, host=wanted.host)
    project, resolution = open_project(context.root)
    root = _root(layout, wanted.name)
    matrix = project.world.matrix
    machine, targets = _machine(loaded, matrix)
    facts = _facts(loaded, matrix, machine, context, here=wanted.here)
    inputs = StackInputs(
        loaded=loaded,
        world=project.world,
        resolution=resolution,
        machine=machine,
        targets=targets,
        facts=facts,
        digests=passed_digests(context.reports),
        measured=measured_memory(context.reports, loaded, facts),
        rates=measured_rates(context.reports),
        untested=wanted.untested,
        folder=str(root) if wanted.here else None,
    )
    plan = resolve_stack(inputs)
    errors = [*_files_of_probes(loaded.stack, root), *(_files_of_services(loaded.stack, root) if wanted.here else ())]
    try:
        raise_all(errors)
    except InputError as error:
        raise loaded.pinpoint(error) from None
    return Made(
        plan=plan,
        inputs=inputs,
        root=root,
        project=project,
        resolution=resolution,
        others=for_other_vendors(plan, inputs),
    )


def _root(layout: ProjectLayout, name: str) -> Path:
    found = layout.find(f"{STACKS}/{name}.yaml")
    return found.parents[1] if found else layout.root


def _files_of_probes(stack: Stack, root: Path) -> Iterator[InputError]:
    """Those that a probe sends and that are missing."""
    for index, probe in enumerate(stack.probes):
        for number, step in enumerate(probe.steps):
            at = ("probes", index, "steps", number, "http")
            if step.http.file and not (root / step.http.file).is_file():
                yield wrong(f"there is no file {step.http.file}", *at, "file", hint=f"Looked in {root}.")
            for field, value in step.http.form.items():
                if isinstance(value, Upload) and not (root / value.file).is_file():
                    yield wrong(f"there is no file {value.file}", *at, "form", field, hint=f"Looked in {root}.")


def _files_of_services(stack: Stack, root: Path) -> Iterator[InputError]:
    """Those that a service is given and this machine does not have."""
    for name, service in stack.services.items():
        for target, written in service.files.items():
            if not (root / Path(written).expanduser()).exists():
                hint = f"Relative paths are of {root}."
                yield wrong(f"there is no {written} on this machine", "services", name, "files", target, hint=hint)
    key = stack.gateway.key if stack.gateway else None
    if key and Path(key).expanduser().is_absolute() and not Path(key).expanduser().is_file():
        hint = "Make it: a line that clients must send. A relative path is written anew at each start here."
        yield wrong(f"there is no file {key} on this machine", "gateway", "key", hint=hint)


def passed_digests(reports: Path) -> dict[str, str]:
    """Cell to the digest of its image in the newest run that passed it."""
    found: dict[str, str] = {}
    for run in _runs(reports):
        found |= {cell.name: digest for cell in run.cells if (digest := _digest(cell))}
    return found


def measured_rates(reports: Path) -> dict[str, float]:
    """Cell to the median of its rate of writing for one user, in the newest run that measured it."""
    found = {}
    for run in _runs(reports):
        for cell in run.cells:
            for one in cell.measurements:
                if one.metric == "decode_rate" and one.counted:
                    found[cell.name] = statistics.median(one.counted)
    return found


def measured_memory(reports: Path, loaded: Loaded, facts: Mapping[str, ModelFacts]) -> dict[str, int]:
    """Service to the most that its container used in the newest run of the stack, where model and arguments are the
    same and it computed on the processor.
    """
    found: dict[str, int] = {}
    for run in _runs(reports):
        for cell in run.cells:
            if cell.name != f"stack-{loaded.name}":
                continue
            for one in cell.measurements:
                if one.metric == "memory" and _same(one, loaded, facts) and one.counted:
                    found[one.workload] = round(max(one.counted))
    return found


def _same(measured: Measurement, loaded: Loaded, facts: Mapping[str, ModelFacts]) -> bool:
    service = loaded.stack.services.get(measured.workload)
    known = facts.get(measured.workload)
    return (
        service is not None
        and measured.settings.get("on") == "processor"
        and measured.settings.get("arguments") == list(service.args)
        and measured.settings.get("model") == (known.digest if known else "")
    )


def _runs(reports: Path) -> Iterator[RunReport]:
    """Oldest first; what cannot be read is left out."""
    for path in sorted(reports.glob(f"*/{json_file.file}")):
        if path.parent.is_symlink():
            continue
        try:
            yield json_file.read(path.parent)
        except InputError:
            continue


def _digest(cell: CellReport) -> str | None:
    return cell.image.digest if cell.verdict is Verdict.PASSED and cell.image else None


# ---------------------------------------------------------------------------------------------- the machine


def _machine(loaded: Loaded, matrix: Matrix) -> tuple[StackMachine, dict[int, Target]]:
    if loaded.host is not None:
        return machines.of_file(loaded.host_name, loaded.host, matrix)
    here = detect()
    groups = (_group(Path("/dev/kfd"), _VIDEO), _group(Path("/dev/dri/renderD128"), _RENDER))
    return machines.of_detected(here, matrix, memory=_memory(), groups=groups)


def _memory() -> int | None:
    """Of this machine, in bytes."""
    try:
        first = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    return int(first.split()[1]) * 1024


def _group(node: Path, usual: int) -> int:
    try:
        return node.stat().st_gid or usual
    except OSError:
        return usual


# ---------------------------------------------------------------------------------------------- models


def _facts(
    loaded: Loaded, matrix: Matrix, machine: StackMachine, context: Context, *, here: bool
) -> Mapping[str, ModelFacts]:
    found = {}
    for name, service in loaded.stack.services.items():
        if service.model is None:
            continue
        if service.model.name is None:
            found[name] = _of_path(service.model, context, strict=here)
        elif service.model.name in matrix.models:
            found[name] = _of_row(service.model.name, matrix, machine, context, here=here)
    return found


def _of_row(name: str, matrix: Matrix, machine: StackMachine, context: Context, *, here: bool) -> ModelFacts:
    """A row's files lie in the machine's folder of models; here, where they were fetched to."""
    rows = [matrix.models[one] for one in (name, *matrix.models[name].beside)]
    cached = [context.cache / "models" / row.sha256 / row.file for row in rows]
    folder = f"{machine.models.rstrip('/')}/{name}"
    paths = [str(path) for path in cached] if here else [f"{folder}/{row.file}" for row in rows]
    header = read_header(cached[0]) if cached[0].suffix == ".gguf" and cached[0].is_file() else None
    return ModelFacts(
        header=header,
        bytes=sum(row.size for row in rows),
        paths=tuple(paths),
        cached=tuple(map(str, cached)),
        digest=rows[0].sha256,
    )


def _of_path(model: ServedModel, context: Context, *, strict: bool) -> ModelFacts:
    """A file or folder that people named. `strict`: it must be there."""
    written = model.file or model.folder or ""
    path = (context.root / Path(written).expanduser()).resolve()
    if not path.exists():
        return ModelFacts(paths=() if strict else (written,))
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    header = read_header(path) if path.suffix == ".gguf" else None
    inside = str(path) if strict else written
    return ModelFacts(header=header, bytes=sum(one.stat().st_size for one in files), paths=(inside,))
