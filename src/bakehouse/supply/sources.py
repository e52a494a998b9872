"""Source trees: a git address that BuildKit fetches by itself, or a folder on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

import requests

from bakehouse.errors import SupplyError
from bakehouse.model.matrix import SourceTree
from bakehouse.model.places import GitPlace, PathPlace, PyPIPlace, SourcePlace, UrlPlace
from bakehouse.model.plan import Supply
from bakehouse.supply.archive import unpack
from bakehouse.supply.attempts import Place
from bakehouse.supply.checksum import sha256_of_tree
from bakehouse.supply.context import OFFLINE, Found, SupplyContext
from bakehouse.supply.files import Fetched, fetch_address, fetch_distribution
from bakehouse.supply.pypi import is_sdist
from bakehouse.supply.web import network_errors, new_session, public, refusal


def places_of(source: SourceTree, *, context: SupplyContext) -> list[Place[Supply]]:
    """The chain of one source."""
    return [_place(entry, source, context) for entry in source.places]


def _place(entry: SourcePlace, source: SourceTree, context: SupplyContext) -> Place[Supply]:
    match entry:
        case GitPlace():
            return Place(title=f"git {public(entry.git)}", get=lambda: _from_git(entry, source, context))
        case PyPIPlace():
            return Place(title=f"pypi {entry.pypi.requirement}", get=lambda: _from_pypi(entry, context))
        case UrlPlace():
            return Place(title=f"url {public(entry.url)}", get=lambda: _from_address(entry, context))
        case PathPlace():
            return Place(title=f"path {entry.path}", get=lambda: _from_folder(entry, context))
        case _:
            assert_never(entry)


def _from_git(place: GitPlace, source: SourceTree, context: SupplyContext) -> Found[Supply]:
    if context.offline:
        raise SupplyError(f"not asked, {OFFLINE} is set")
    url = place.git.rstrip("/")
    url = url if url.endswith(".git") else f"{url}.git"
    _require_repository(url, context)
    return Found(
        what=Supply(context=f"{url}#{source.revision}", identity=source.revision),
        identity=source.revision,
        message="answers",
        locked=True,
    )


def _require_repository(url: str, context: SupplyContext) -> None:
    """The first request that `git fetch` makes, without git. Raises SupplyError."""
    host = urlsplit(url).hostname
    if not url.startswith(("https://", "http://")) or not host:
        raise SupplyError("only https:// addresses can be build contexts")
    with (
        network_errors(url),
        new_session() as session,
        session.get(
            f"{url}/info/refs",
            params={"service": "git-upload-pack"},
            stream=True,
            timeout=(context.patience.connect, context.patience.connect),
        ) as response,
    ):
        if response.status_code != requests.codes.ok:
            raise refusal(response, url)


def _from_pypi(place: PyPIPlace, context: SupplyContext) -> Found[Supply]:
    fetched = fetch_distribution(place, context)
    return _unpacked(fetched, context, member=place.pypi.member, has_top_folder=is_sdist(fetched.path.name))


def _from_address(place: UrlPlace, context: SupplyContext) -> Found[Supply]:
    return _unpacked(fetch_address(place, context), context, member="", has_top_folder=True)


def _unpacked(fetched: Fetched, context: SupplyContext, *, member: str, has_top_folder: bool) -> Found[Supply]:
    key = hashlib.sha256(member.encode()).hexdigest()[:12]
    to = context.cache / "sources" / fetched.sha256 / key / "tree"
    if not to.exists():
        context.say(f"Unpacking {member or 'all'} of {fetched.path.name}")
    folder = unpack(fetched.path, to=to, member=member, has_top_folder=has_top_folder)
    if not folder.is_dir():
        raise SupplyError(f"{member} in {fetched.path.name} is a file, not a folder")
    identity = f"sha256:{fetched.sha256}"
    return Found(
        what=Supply(context=str(folder.resolve()), identity=identity),
        identity=identity,
        message=f"{fetched.path.name}{f', {member}' if member else ''}",
        locked=fetched.locked,
        files=fetched.pins,
    )


def _require_tree(folder: Path, context: SupplyContext) -> None:
    """A build can read all of its context. Raises SupplyError for one that holds what is no source."""
    home = context.environ.get("HOME")
    others = {"the cache": context.cache} | ({"the home folder": Path(home)} if home else {})
    for name, other in others.items():
        if other.resolve().is_relative_to(folder):
            raise SupplyError(f"{folder} holds {name}, all of which a build could read; name the source tree itself")


def _from_folder(place: PathPlace, context: SupplyContext) -> Found[Supply]:
    folder = (context.root / Path(place.path).expanduser()).resolve()
    if not folder.is_dir():
        raise SupplyError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
    _require_tree(folder, context)
    if not any(folder.iterdir()):
        raise SupplyError(f"{folder} is empty")
    identity = f"sha256:{sha256_of_tree(folder)}"
    return Found(
        what=Supply(context=str(folder), identity=identity), identity=identity, message=f"a folder, {identity}"
    )
