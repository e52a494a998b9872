"""The files of the Python that runs us, at their own paths: enough to run us in a container without anything else.

So the suite on a host is the very one that runs here, without a registry or a package index. What is left out of
Python's library needs a screen, or tests Python itself.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bakehouse
from bakehouse.errors import InfrastructureError
from bakehouse.system import process

DISTRIBUTION = "bakehouse"
_LEFT_OUT = frozenset(
    {
        *("site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip"),
        *("lib2to3", "pydoc_data", "shipped"),
    }
)
"""Folders of Python's library, and ours of files that are sent as each run needs them."""
_SYSTEM = ("/etc/os-release", "/etc/debian_version")
"""By which NVIDIA's container toolkit tells where libraries belong."""
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)")
_ELF = b"\x7fELF"


def files() -> list[Path]:
    """Absolute paths of files and links, sorted. Raises InfrastructureError where a part cannot be found."""
    found = {*_interpreter(), *_standard_library(), *_packages(), _docker()}
    found |= {path for name in _SYSTEM if (path := Path(name)).is_file()}
    found |= _libraries(found)
    return sorted({part for path in found for part in _with_targets(path)})


def is_bytecode(path: Path) -> bool:
    """Whether Python makes it again from the file beside it."""
    return path.suffix == ".pyc"


def _interpreter() -> Iterator[Path]:
    """The program by its link in a virtual environment, whose settings name the other folders."""
    yield Path(sys.executable)
    if (settings := Path(sys.prefix) / "pyvenv.cfg").is_file():
        yield settings


def _with_targets(path: Path) -> Iterator[Path]:
    """A file; of a link also what it leads to."""
    while path.is_symlink():
        yield path
        path = Path(os.path.normpath(path.parent / path.readlink()))
    if path.is_file():
        yield path


def _standard_library() -> Iterator[Path]:
    for folder in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars={"platbase": sys.base_prefix})}:
        yield from _below(Path(folder))


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if (path.is_symlink() or path.is_file()) and not path.name.startswith("_tkinter"):
            yield path
        elif path.name not in _LEFT_OUT and not path.name.startswith("config-"):
            yield from _below(path)


def _packages() -> Iterator[Path]:
    """Ourselves, and the distributions that we need."""
    yield from _below(Path(bakehouse.__file__).resolve().parent)
    for distribution in _needed(DISTRIBUTION, set()):
        if distribution.files is None:
            name = distribution.metadata["Name"]
            raise InfrastructureError(
                f"nothing tells which files belong to {name}, so it cannot be taken to another machine",
                hint="Install bakehouse into a virtual environment with pip or uv.",
            )
        for file in distribution.files:
            path = Path(str(distribution.locate_file(file)))
            if ".." not in file.parts and path.is_file():
                yield path
                yield from _compiled(path)


def _needed(name: str, seen: set[str]) -> Iterator[importlib.metadata.Distribution]:
    """A distribution with all that it requires without extras."""
    if (plain := canonicalize_name(name)) in seen:
        return
    seen.add(plain)
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise InfrastructureError(f"the package {name} is not installed", hint="Install bakehouse again.") from None
    yield distribution
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            for extra in ("", *requirement.extras):
                yield from _needed(requirement.name, seen) if not extra else _of_extra(requirement.name, extra, seen)


def _of_extra(name: str, extra: str, seen: set[str]) -> Iterator[importlib.metadata.Distribution]:
    for text in importlib.metadata.distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker and requirement.marker.evaluate({"extra": extra}):
            yield from _needed(requirement.name, seen)


def _compiled(path: Path) -> Iterator[Path]:
    if path.suffix == ".py" and (cached := Path(importlib.util.cache_from_source(str(path)))).is_file():
        yield cached


def _docker() -> Path:
    """The command line by which the suite speaks to the host's engine."""
    found = process.find("docker")
    if found is None:
        raise process.MissingProgramError("docker")
    path = found.resolve()
    if not _is_elf(path):
        raise InfrastructureError(
            f"{path} is a script, which cannot be taken to another machine",
            hint="Put Docker's own program first on the PATH.",
        )
    return path


def _libraries(paths: Iterable[Path]) -> set[Path]:
    """What the loader loads with the programs and libraries among them."""
    binaries = [str(path) for path in sorted(paths) if (path.suffix in ("", ".so") or ".so." in path.name)]
    binaries = [name for name in binaries if _is_elf(Path(name))]
    said = process.run(["ldd", *binaries], check=False).stdout
    return {Path(match[1]) for match in _LIBRARY.finditer(said)}


def _is_elf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == _ELF
    except OSError:
        return False
