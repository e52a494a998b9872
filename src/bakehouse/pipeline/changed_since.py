"""Which cells a change affects: those whose inputs differ from the inputs at a git revision.

A cell's inputs are what its image is made from and what is asked of it: the rendered Dockerfile and bake target, the
rows of its bases, source and model with their pins, the recipe's files, its probes and limits. Both revisions are
planned and compared, so an edit that changes nothing that a cell sees affects no cell. Where the code that renders has
changed, the older revision is planned by its own code. The code that builds, proves and measures does not count: it has
tests of its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakehouse.config.catalogue import read_catalogue
from bakehouse.config.layout import IMAGE_TESTS, MATRIX_FILE, RECIPES, TEMPLATES
from bakehouse.config.load import load_project
from bakehouse.config.lock_file import LOCK_FILE, read_lock
from bakehouse.config.yaml_document import Document
from bakehouse.errors import InfrastructureError, InputError
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Plan
from bakehouse.pipeline.affected import Affected
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.render.bake_file import dockerfile_name
from bakehouse.planning.resolve import resolve
from bakehouse.system import process

CODE = "src/bakehouse"
CATALOGUE = f"{CODE}/catalogue"
RENDERING = ("catalogue/accelerators/", "config/", "model/", "planning/", "servers/")
"""Parts of the code that decide what is rendered. The rows of the catalogue are compared by what cells see of them."""
NEW = "new"
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Git sets them for its hooks; they would lead us past the project's own folder."""

Inputs = dict[str, str]
"""What it is to the hash of its content."""


def find_affected(root: Path, revision: str, *, world: World, environ: Mapping[str, str]) -> Affected:
    """Compare the project's files as they are now, committed or not, with those at `revision`.

    Raises InputError where there is no git repository or no such revision.
    """
    repository = _open(root, environ)
    commit = repository.commit(revision)
    cells = resolve(world).cells
    changed = repository.changed(commit, IMAGE_TESTS)
    if changed:
        return _everything(cells, revision, commit, f"{_some(changed)} changed, and the suite asks every image")
    now = _inputs(root, world, read_lock(root), _Rendered.of(_plan(root, world)), repository.files_now(RECIPES))
    with tempfile.TemporaryDirectory(prefix="bakehouse-") as folder:
        before_root = repository.check_out(commit, (RECIPES, TEMPLATES, MATRIX_FILE, LOCK_FILE, CODE), Path(folder))
        try:
            before = _inputs_before(before_root, repository.changed(commit, CODE), environ)
        except (InputError, InfrastructureError) as error:
            reason = f"the project at {revision} cannot be planned by this version: {error.message}"
            return _everything(cells, revision, commit, reason)
    return Affected(
        revision=revision,
        commit=commit,
        why={name: why for name, inputs in now.items() if (why := _difference(inputs, before.get(name)))},
        gone=tuple(sorted(before.keys() - now.keys())),
    )


def _everything(cells: Iterable[Cell], revision: str, commit: str, reason: str) -> Affected:
    why: dict[str, tuple[str, ...]] = {cell.name: ("everything",) for cell in cells}
    return Affected(revision=revision, commit=commit, why=why, everything_because=reason)


def _some(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _difference(now: Inputs, before: Inputs | None) -> tuple[str, ...]:
    if before is None:
        return (NEW,)
    return tuple(what for what in dict.fromkeys((*now, *before)) if now.get(what) != before.get(what))


# ---------------------------------------------------------------------------------------------- a cell's inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rendered:
    dockerfiles: Mapping[str, str]
    targets: Mapping[str, Any]
    """Of the bake file."""

    @classmethod
    def of(cls, plan: Plan) -> _Rendered:
        return cls(dockerfiles=plan.dockerfiles, targets=plan.bake["target"])


def _plan(root: Path, world: World) -> Plan:
    supplies = published_supplies(world, read_lock(root))
    return make_plan(root=root, world=world, cells=resolve(world).cells, excluded=(), supplies=supplies)


def _inputs_before(root: Path, changed_code: list[str], environ: Mapping[str, str]) -> dict[str, Inputs]:
    """Raises InputError when today's classes cannot read the files, InfrastructureError when its code fails."""
    if not (root / MATRIX_FILE).exists():
        raise InputError(f"it has no {MATRIX_FILE}")
    world = load_project(root, catalogue=_catalogue_of(root)).world
    rendering = [file for file in changed_code if file.removeprefix(f"{CODE}/").startswith(RENDERING)]
    own_code = rendering and (root / CODE).is_dir()
    rendered = _rendered_by_its_own_code(root, environ) if own_code else _Rendered.of(_plan(root, world))
    files = sorted(path.relative_to(root).as_posix() for path in (root / RECIPES).rglob("*") if path.is_file())
    return _inputs(root, world, read_lock(root), rendered, files)


def _catalogue_of(root: Path) -> tuple[Document, ...] | None:
    """The catalogue of that revision, where the project holds bakehouse's own code; None: the installed package's.

    A revision whose code had no catalogue yet has all rows in its matrix.
    """
    if not (root / CODE).is_dir():
        return None
    folder = root / CATALOGUE
    return read_catalogue(folder, name=CATALOGUE) if folder.is_dir() else ()


def _rendered_by_its_own_code(root: Path, environ: Mapping[str, str]) -> _Rendered:
    command = [sys.executable, "-m", "bakehouse", "--root", str(root), "plan", "--json"]
    done = process.run(command, env={**environ, "PYTHONPATH": str(root / "src")}, cwd=root, timeout=120)
    try:
        document = json.loads(done.stdout)
        return _Rendered(dockerfiles=document["dockerfiles"], targets=document["bake"]["target"])
    except (ValueError, KeyError, TypeError) as error:
        raise InfrastructureError(f"its own code printed no plan ({error})") from None


def _inputs(root: Path, world: World, lock: Lock, rendered: _Rendered, files: Iterable[str]) -> dict[str, Inputs]:
    hashes = {file: _hash((root / file).read_bytes()) for file in files}
    return {
        cell.name: {what: _hash(_bytes(content)) for what, content in _contents(cell, world, lock, rendered, hashes)}
        for cell in resolve(world).cells
    }


def _contents(
    cell: Cell, world: World, lock: Lock, rendered: _Rendered, files: Mapping[str, str]
) -> Iterator[tuple[str, object]]:
    matrix, recipe = world.matrix, cell.recipe
    yield "Dockerfile", rendered.dockerfiles.get(dockerfile_name(cell), "")
    yield "bake target", list(_targets(cell.target, rendered.targets))
    source = [matrix.sources[recipe.cmake.source].places] if recipe.cmake else []
    places = [*source, *(matrix.bases[name].places for name in _bases(cell, world))]
    yield "places", [[place.model_dump(mode="json") for place in chain] for chain in places]
    served = recipe.probes.served_model
    names = (served, *matrix.models[served].beside) if served else ()
    model = [matrix.models[name].model_dump(mode="json") for name in names] or None
    yield "model", model
    yield "pins", _pins([places, model], lock)
    folder, its_tests = f"recipes/{cell.at.recipe}/", f"recipes/{cell.at.recipe}/tests/"
    shared = recipe.build.shares if isinstance(recipe.build, WheelsBuild) else ()
    folders = (folder, *(f"recipes/{name}/" for name in shared))
    own = {name: digest for name, digest in files.items() if name.startswith(folders)}
    yield (
        "recipe's files",
        {
            name: digest
            for name, digest in own.items()
            if not name.startswith(its_tests) and name != f"{folder}recipe.yaml"
        },
    )
    yield "recipe's tests", {name: digest for name, digest in own.items() if name.startswith(its_tests)}
    yield "probes", recipe.probes.model_dump(mode="json")
    limit = recipe.runtime.size_budgets.get(cell.at.accelerator, recipe.runtime.size_budget)
    yield "limits", [limit, cell.flag_set.extra_size, recipe.runtime.user, recipe.runtime.port]


def _targets(name: str, targets: Mapping[str, Any]) -> Iterator[Any]:
    """A cell's bake target, and those of the bases that it stands on."""
    target = targets.get(name)
    yield target
    for context in (target or {}).get("contexts", {}).values():
        if context.startswith("target:"):
            yield from _targets(context.removeprefix("target:"), targets)


def _bases(cell: Cell, world: World) -> tuple[str, ...]:
    """The bases that its stages start from, and those that they are made on."""
    found: dict[str, None] = {}
    waiting = list(cell.bases)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            places = world.matrix.bases[name].places
            waiting += [place.dockerfile.on for place in places if hasattr(place, "dockerfile")]
    return tuple(found)


def _pins(what: object, lock: Lock) -> dict[str, object]:
    """What the lockfile says of files that these rows name."""
    text = _bytes(what).decode()
    pins = {key: pin for key, pin in lock.files.items() if json.dumps(key.removeprefix("pypi:")) in text}
    return {key: pin.model_dump(mode="json") for key, pin in sorted(pins.items())}


def _bytes(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, default=lambda value: value.model_dump(mode="json")).encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ---------------------------------------------------------------------------------------------- git


@dataclass(frozen=True, kw_only=True, slots=True)
class _Repository:
    root: Path
    """The project's folder, which may be below the repository's top."""
    prefix: str
    """From the top to the project: `` or `images/`."""
    folder: str
    """`.git`"""
    environ: Mapping[str, str]

    def run(self, *words: str, index: Path | None = None) -> str:
        environ = {**self.environ, "GIT_INDEX_FILE": str(index)} if index else self.environ
        return process.run(["git", *words], env=environ, cwd=self.root, timeout=120).stdout

    def commit(self, revision: str) -> str:
        words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
        try:
            return self.run(*words).strip()
        except process.ProgramError:
            hint = "git fetch it first; a CI checkout often holds one commit only (actions/checkout: fetch-depth: 0)."
            raise InputError(f"--affected-since {revision}: git knows no such revision here", hint=hint) from None

    def changed(self, commit: str, path: str) -> list[str]:
        """Files below `path` that differ from those at `commit`, new ones included."""
        differing = self.run("diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", path)
        new = self.run("ls-files", "-z", "--others", "--exclude-standard", "--", path)
        return sorted({name for name in (differing + new).split("\0") if name})

    def files_now(self, path: str) -> list[str]:
        """Files below `path` as they lie there, without those that git ignores."""
        listed = self.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", path).split("\0")
        return sorted({name for name in listed if name and (self.root / name).is_file()})

    def check_out(self, commit: str, paths: Iterable[str], folder: Path) -> Path:
        """Write those of the project's `paths` that are in `commit` below `folder`. Returns the project there."""
        tree = folder / "tree"
        tree.mkdir()
        present = self.run("ls-tree", "-z", "--name-only", commit, "--", *paths).split("\0")
        names = [f"{self.prefix}{name}" for name in present if name]
        if names:
            where = ["-c", "core.hooksPath=/dev/null", "--git-dir", self.folder, "--work-tree", str(tree)]
            specs = [f":(top,literal){name}" for name in names]
            self.run(*where, "checkout", "--quiet", commit, "--", *specs, index=folder / "index")
        return tree / self.prefix


def _open(root: Path, environ: Mapping[str, str]) -> _Repository:
    """Raises InputError where git finds no repository."""
    own = {name: value for name, value in environ.items() if name not in OF_A_HOOK}
    try:
        said = process.run(["git", "rev-parse", "--show-prefix", "--absolute-git-dir"], env=own, cwd=root, timeout=30)
    except process.ProgramError as error:
        hint = "The project's folder must lie in a git repository that this user may read."
        raise InputError(f"--affected-since: {error.stderr}", hint=hint) from None
    prefix, folder = said.stdout.splitlines()[:2]
    return _Repository(root=root, prefix=prefix, folder=folder, environ=own)
