"""Writes locks of wheels with uv: every distribution at one version, with the hashes of its files and no address."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bakehouse.config.requirements import MADE_FROM, made_from, parse_lock
from bakehouse.engine.network import ca_bundle, index_settings
from bakehouse.errors import InfrastructureError, InputError, SupplyError, Where
from bakehouse.model.build import WheelsBuild
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.requirements import inputs, lock_name
from bakehouse.system import process
from bakehouse.system.atomic_write import write

OVERRIDES = "requirements.overrides.in"
"""Requirements that win over those of distributions; one with a marker that never holds leaves a distribution out."""

PLATFORMS = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""uv's names."""

GLIBC = {"3.10": "2_35", "3.11": "2_36", "3.12": "2_39"}
"""Newest glibc that wheels may ask for, by the Python of the base: Ubuntu 22.04, Debian 12, Ubuntu 24.04."""

NEWEST_GLIBC = "2_40"
"""The newest that uv knows. Debian 13 has 2.41."""

_PATIENCE = 600.0


def overrides_of(accelerator: str) -> tuple[str, str]:
    """Files of overrides; each may be missing. The second is for one accelerator."""
    return OVERRIDES, f"requirements.{accelerator}.overrides.in"


def write_lock(
    folder: Path, build: WheelsBuild, *, accelerator: str, platform: str, environ: Mapping[str, str]
) -> bool:
    """Resolve the recipe's requirements for one accelerator and platform. Returns whether the lock has changed.

    Raises InputError when nothing satisfies them, SupplyError when uv or the index cannot be reached.
    """
    origin = made_from(folder, accelerator)
    path = folder / lock_name(accelerator, platform)
    text = f"{MADE_FROM}{origin}\n{_compiled(folder, build, accelerator, platform, environ)}"
    parse_lock(text, file=f"recipes/{folder.name}/{path.name}")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != before:
        write(path, text)
    return text != before


def _compiled(folder: Path, build: WheelsBuild, accelerator: str, platform: str, environ: Mapping[str, str]) -> str:
    if platform not in PLATFORMS:
        raise InputError(f"wheels can be locked for {' and '.join(PLATFORMS)}, not for {platform}")
    files = [name for name in inputs(accelerator) if (folder / name).is_file()]
    overrides = [
        word for name in overrides_of(accelerator) if (folder / name).is_file() for word in ("--overrides", name)
    ]
    indexes = build.indexes_for(AcceleratorName(accelerator))
    python = build.python_for(AcceleratorName(accelerator))
    command = [
        *(*_uv(environ), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"),
        *("--upgrade", "--only-binary", ":all:", "--no-emit-package", "pip"),
        *("--python-platform", f"{PLATFORMS[platform]}-manylinux_{GLIBC.get(python, NEWEST_GLIBC)}"),
        *("--python-version", python, *_among_all(indexes), *overrides, *files),
    ]
    done = process.run(command, env=_environment(environ, indexes), cwd=folder, timeout=_PATIENCE, check=False)
    if done.code == 0:
        return done.stdout
    said = process.last_lines(done.stderr)
    where = Where(file=f"recipes/{folder.name}/{files[-1]}")
    if "No solution found" in done.stderr or "Because" in done.stderr:
        raise InputError(f"no wheels satisfy the requirements of {accelerator} on {platform}:\n{said}", where=where)
    if "Couldn't parse" in done.stderr or "error: Expected" in done.stderr:
        raise InputError(f"uv cannot read the requirements:\n{said}", where=where)
    raise SupplyError(f"uv could not lock {where.file} for {accelerator} on {platform}:\n{said}")


def _among_all(indexes: Sequence[str]) -> tuple[str, ...]:
    """The newest of all indexes, and not of the first that has any: PyTorch's also holds old releases of others."""
    return ("--index-strategy", "unsafe-best-match") if indexes else ()


def _uv(environ: Mapping[str, str]) -> list[str]:
    """Uv on the PATH, or as a module of this Python. Raises InfrastructureError without one."""
    found = process.find("uv", path=environ.get("PATH")) or _beside_python()
    if found is None:
        raise InfrastructureError("uv, which locks wheels, is not installed", hint="pip install uv, or: nox -s lock")
    return [str(found)]


def _beside_python() -> Path | None:
    program = Path(sys.executable).parent / "uv"
    return program if program.is_file() else None


def _environment(environ: Mapping[str, str], indexes: Sequence[str]) -> dict[str, str]:
    """The user's, with pip's indexes in uv's words and the certificates that this machine trusts.

    The recipe's own indexes are asked where the user names none.
    """
    found = dict(environ)
    settings = index_settings(environ)
    if "PIP_INDEX_URL" in settings:
        found.setdefault("UV_DEFAULT_INDEX", settings["PIP_INDEX_URL"])
    if "PIP_EXTRA_INDEX_URL" in settings:
        found.setdefault("UV_INDEX", settings["PIP_EXTRA_INDEX_URL"])
    elif indexes:
        found.setdefault("UV_INDEX", " ".join(indexes))
    if bundle := ca_bundle(environ):
        found.setdefault("SSL_CERT_FILE", str(bundle))
    return found
