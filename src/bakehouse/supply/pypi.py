"""Distributions on PyPI or the index that the user's pip is set up for. No build back end is ever run."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pypi_simple import DistributionPackage, NoSuchProjectError, PyPISimple, UnsupportedRepoVersionError

from bakehouse.errors import SupplyError
from bakehouse.supply.web import network_errors, public
from bakehouse.system.patience import Patience

PYPI = "https://pypi.org/simple"


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A file of a release, as an index lists it."""

    file: str
    url: str
    sha256: str
    size: int | None
    """Bytes, where the index says it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A version that an index has."""

    version: Version
    uploaded: datetime | None
    """None where the index does not say it."""


def indexes(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Addresses of the simple indexes that pip would ask, in order: PIP_* variables before pip's files before PyPI."""
    settings = _pip_settings(environ)
    main = environ.get("PIP_INDEX_URL") or settings.get("index-url") or PYPI
    extra = environ.get("PIP_EXTRA_INDEX_URL") or settings.get("extra-index-url") or ""
    wanted = [main, *extra.split()]
    return tuple(dict.fromkeys(url.strip() for url in wanted if url.startswith(("http://", "https://"))))


def locate(
    requirement: str, *, environ: Mapping[str, str], session: requests.Session, patience: Patience, file: str | None
) -> Distribution:
    """Find the file to use for `name==version`: `file` if given, else a pure wheel, else the sdist.

    Raises SupplyError that says what was asked and what there is.
    """
    name, _, version = requirement.partition("==")
    problems = []
    for index in indexes(environ):
        try:
            with network_errors(index):
                files = _files(index, name, Version(version), session=session, patience=patience)
        except NoSuchProjectError:
            problems.append(f"{public(index)} has no {name}")
        except SupplyError as error:
            problems.append(error.message)
        except (
            ValueError,
            UnsupportedRepoVersionError,
        ) as error:
            problems.append(f"{public(index)} does not answer like a package index: {error}")
        else:
            if chosen := _choose(files, file=file):
                return chosen
            there = ", ".join(sorted(entry.filename for entry in files)) or "nothing of that version"
            problems.append(f"{public(index)} has {there}, but no {file or 'pure wheel or sdist with a sha256'}")
    raise SupplyError(f"no file for {requirement}: {'; '.join(problems) or 'no http(s) package index is configured'}")


def newest(
    name: str, *, environ: Mapping[str, str], session: requests.Session, patience: Patience, like: Version | None = None
) -> Release:
    """The newest release that is neither withdrawn nor a pre-release; `like`: of the same first two numbers.

    Raises SupplyError where an index cannot be asked, or none has the distribution: what is newest is not known then.
    """
    found: dict[Version, Release] = {}
    absent = []
    for index in indexes(environ):
        try:
            with network_errors(index):
                page = PyPISimple(f"{index.rstrip('/')}/", session=session).get_project_page(
                    name, timeout=patience.timeout
                )
        except NoSuchProjectError:
            absent.append(f"{public(index)} has no {name}")
            continue
        except (ValueError, UnsupportedRepoVersionError) as error:
            raise SupplyError(f"{public(index)} does not answer like a package index: {error}") from None
        for entry in page.packages:
            if (release := _release(entry, name)) and (like is None or release.version.release[:2] == like.release[:2]):
                found.setdefault(release.version, release)
    if not found:
        raise SupplyError("; ".join(absent) or f"no index has a release of {name} of that kind")
    return found[max(found)]


def _release(entry: DistributionPackage, name: str) -> Release | None:
    if entry.version is None or entry.is_yanked or canonicalize_name(entry.project or "") != canonicalize_name(name):
        return None
    try:
        version = Version(entry.version)
    except InvalidVersion:
        return None
    return None if version.is_prerelease else Release(version=version, uploaded=entry.upload_time)


def is_sdist(file: str) -> bool:
    """Whether all names inside begin with one top folder."""
    return not file.endswith(".whl")


def _files(
    index: str, name: str, version: Version, *, session: requests.Session, patience: Patience
) -> list[DistributionPackage]:
    client = PyPISimple(f"{index.rstrip('/')}/", session=session)
    page = client.get_project_page(name, timeout=patience.timeout)
    return [entry for entry in page.packages if _is(entry, name, version)]


def _is(entry: DistributionPackage, name: str, version: Version) -> bool:
    if entry.version is None or canonicalize_name(entry.project or "") != canonicalize_name(name):
        return False
    try:
        return Version(entry.version) == version
    except InvalidVersion:
        return False


def _choose(files: list[DistributionPackage], *, file: str | None) -> Distribution | None:
    usable = sorted((entry for entry in files if "sha256" in entry.digests), key=lambda entry: entry.filename)
    if file:
        ranked = [entry for entry in usable if entry.filename == file]
    else:
        ranked = [entry for entry in usable if _is_pure_wheel(entry.filename)]
        ranked += [entry for entry in usable if entry.package_type == "sdist"]
    if not ranked:
        return None
    best = ranked[0]
    return Distribution(file=best.filename, url=best.url, sha256=best.digests["sha256"], size=best.size)


def _is_pure_wheel(file: str) -> bool:
    try:
        tags = parse_wheel_filename(file)[3]
    except InvalidWheelFilename:
        return False
    return any(tag.platform == "any" and tag.abi == "none" for tag in tags)


def _pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings of `[global]` and `[install]`; later files win, as in pip."""
    settings: dict[str, str] = {}
    for path in _pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= dict(parser.items(section))
    return settings


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The files pip reads, least specific first. PIP_CONFIG_FILE=/dev/null switches all of them off, as in pip."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in reversed(environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")):
        yield Path(folder) / "pip/pip.conf"
    yield Path("/etc/pip.conf")
    if home := environ.get("HOME"):
        yield Path(home) / ".pip/pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or Path(home) / ".config") / "pip/pip.conf"
    if environment := environ.get("VIRTUAL_ENV"):
        yield Path(environment) / "pip.conf"
    if named:
        yield Path(named)
