"""Reads locks of wheels (`recipes/NAME/requirements.cpu-amd64.txt`), and checks that each was made from
`requirements.in`.

`bakehouse lock` writes them with uv, and puts the digest of what they were made from on the first line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from bakehouse.config.layout import ProjectLayout
from bakehouse.errors import InputError, Where
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cell import World
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.recipe import Recipe
from bakehouse.model.requirements import REQUIREMENTS, Requirements, inputs, lock_name

MADE_FROM = "# Made by `bakehouse lock` from files with the sha256 "
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(.*)$", re.DOTALL)
_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
_LINE = re.compile(r"[ \t]*#[^\n]*|(?:[^\n]*\\\n)*[^\n]+")
"""A comment, which has no continuation, or a line with its continuations."""
_HASH = "--hash=sha256:"


def _advice(recipe: str, how: str = "") -> str:
    command = f"lock --requirements {recipe}"
    again = f" {how}" if how else ""
    return f"`bakehouse {command}` (nox -s {command.replace('lock', 'lock --', 1)}) writes it{again}."


def wanted_locks(recipe: Recipe, world_platforms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Accelerator and platform of each lock that a recipe of wheels needs."""
    if not isinstance(recipe.build, WheelsBuild):
        return
    for accelerator in recipe.accelerators:
        part = recipe.prebuilt(accelerator)
        platforms = (part.platforms if part else ()) or recipe.platforms or world_platforms
        for platform in platforms:
            if platform in world_platforms:
                yield accelerator, platform


def made_from(folder: Path, accelerator: str) -> str:
    """sha256 of the files that a lock is made from. Raises InputError where there is none."""
    texts = [path.read_bytes() for name in inputs(accelerator) if (path := folder / name).is_file()]
    if not (folder / REQUIREMENTS).is_file():
        hint = "Name what the server needs in it, a distribution a line: fastapi>=0.115"
        raise InputError(
            "the file does not exist", hint=hint, where=Where(file=f"recipes/{folder.name}/{REQUIREMENTS}")
        )
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def read_locks(root: Path, world: World) -> tuple[World, list[InputError]]:
    """The world with the locks of its recipes, and what is wrong with them: missing, stale, without hashes."""
    layout = ProjectLayout(root=root)
    found: dict[str, Mapping[str, Requirements]] = {}
    errors: list[InputError] = []
    for name, recipe in world.recipes.items():
        locks: dict[str, Requirements] = {}
        for accelerator, platform in wanted_locks(recipe, world.matrix.axes.platform):
            try:
                locks[lock_name(accelerator, platform)] = _read(
                    layout.recipe(name) or root, accelerator, platform, recipe
                )
            except InputError as error:
                errors.append(error)
        if locks:
            found[name] = locks
    return replace(world, locks=found), errors


def _read(folder: Path, accelerator: str, platform: str, recipe: Recipe) -> Requirements:
    path = folder / lock_name(accelerator, platform)
    file = f"recipes/{folder.name}/{path.name}"
    origin = made_from(folder, accelerator)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"there is no lock of the wheels for {accelerator} on {platform}"
        raise InputError(message, hint=_advice(folder.name), where=Where(file=file)) from None
    lock = parse_lock(text, file=file)
    if not text.startswith(MADE_FROM + origin):
        message = "the lock is not of today's requirements"
        raise InputError(message, hint=_advice(folder.name, "again"), where=Where(file=file, line=1))
    build = recipe.build
    package = build.package_for(AcceleratorName(accelerator)) if isinstance(build, WheelsBuild) else None
    if package and canonicalize_name(package) not in lock.versions:
        hint = f"The lock holds: {', '.join(sorted(lock.versions))}."
        where = Where(file=f"recipes/{folder.name}/recipe.yaml", path=("build", "package"))
        raise InputError(f"{package} is not among the locked wheels", hint=hint, where=where)
    return lock


def parse_lock(text: str, *, file: str) -> Requirements:
    """Raises InputError for a line without an exact version or without hashes: the build would refuse it later."""
    hint = _advice(PurePosixPath(file).parent.name)
    versions: dict[str, str] = {}
    for begin, words in _logical_lines(text):
        found = _PIN.match(words)
        if found is None or _HASH not in found[3]:
            line = " ".join(words.replace("\\\n", " ").split())
            message = f"{found[1]} has no hash" if found else f"not a pinned distribution: {line!r}"
            where = Where(file=file, line=text.count("\n", 0, begin) + 1)
            raise InputError(message, hint=hint, where=where)
        versions[canonicalize_name(found[1])] = found[2]
    return Requirements(sha256=hashlib.sha256(text.encode()).hexdigest(), versions=versions)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations, without comments, and where each begins: as pip joins them."""
    for found in _LINE.finditer(text):
        line = found[0].strip()
        words = _COMMENT.sub("", line).strip() if "#" in line and line[0] != "#" else line
        if words and words[0] != "#":
            yield found.start(), words
