"""From a project to what one machine is asked to probe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.errors import InputError
from bakehouse.model.cases import HttpRequest, Upload
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.lock import LockedFile
from bakehouse.model.matrix import ModelFile
from bakehouse.model.places import ConvertedPlace, NpmPlace, PyPIPlace
from bakehouse.model.probe_job import ProbeJob
from bakehouse.pipeline.expectations import subject
from bakehouse.pipeline.run_state import blank
from bakehouse.probes.serving import MODELS
from bakehouse.supply.chain import models_of

FILE = "job.json"


def probe_job(cell: Cell, project: Project, *, root: Path, image: str = "", revision: str = "") -> ProbeJob:
    """Of one cell. `image`: `HOST/REPOSITORY@DIGEST`. One start, and as many repetitions as the recipe says."""
    world = project.world
    serves = models_of(cell, world.matrix)
    rows = dict(_rows(serves, world.matrix.models))
    about = subject(
        cell,
        world,
        reference=image,
        digest=image.rpartition("@")[2],
        models=[f"{MODELS}/{rows[name].file}" for name in serves],
        starts=1,
    )
    unnamed = ProbeJob(
        cell=blank(cell).model_copy(update={"verdict": Verdict.SKIPPED, "reason": ""}),
        subject=about,
        image=image,
        serves=list(serves),
        models=rows,
        locked=_locked(rows.values(), read_lock(root).files),
        fingerprint="",
        revision=revision,
    )
    content = json.dumps(unnamed.model_dump(mode="json"), sort_keys=True)
    return unnamed.model_copy(update={"fingerprint": hashlib.sha256(content.encode()).hexdigest()})


def _rows(names: Iterable[str], rows: Mapping[str, ModelFile]) -> Iterator[tuple[str, ModelFile]]:
    """With those that they are made from. A file of this machine is of no use elsewhere, and is left as it is."""
    for name in names:
        yield name, rows[name]
        made = [place.converted.model for place in rows[name].places if isinstance(place, ConvertedPlace)]
        yield from _rows(made, rows)


def _locked(rows: Iterable[ModelFile], files: Mapping[str, LockedFile]) -> dict[str, LockedFile]:
    places = [place for row in rows for place in row.places]
    asked = [f"pypi:{one.pypi.requirement}" for one in places if isinstance(one, PyPIPlace)]
    asked += [f"npm:{one.npm.requirement}" for one in places if isinstance(one, NpmPlace)]
    return {key: files[key] for key in asked if key in files}


def files_of(job: ProbeJob, folder: Path) -> dict[str, bytes]:
    """What the recipe's cases, work and mounts read, by its name in the recipe's folder. Raises InputError."""
    about = job.subject
    names = {*about.mounts, *(name for case in about.cases if case.http for name in _files(case.http))}
    for task in about.work.tasks if about.work else ():
        names |= {*(task.inputs.files or ())}
    return {name: _content(folder, name) for name in sorted(_each(folder, names))}


def _files(asked: HttpRequest) -> Iterator[str]:
    if asked.file:
        yield asked.file
    yield from (value.file for value in asked.form.values() if isinstance(value, Upload))


def _each(folder: Path, names: Iterable[str]) -> Iterator[str]:
    """What lies in folders that are named, one by one."""
    for name in names:
        if not (folder / name).is_dir():
            yield name
            continue
        for path in (folder / name).rglob("*"):
            if not path.is_dir():
                yield path.relative_to(folder).as_posix()


def _content(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path} is a link that leads out of the recipe's folder")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
