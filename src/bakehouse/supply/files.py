"""Files from PyPI, the web and model hubs, kept in the cache by content."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pydantic import ValidationError

from bakehouse.errors import SupplyError
from bakehouse.formatting import flow
from bakehouse.model.lock import LockedFile
from bakehouse.model.places import HubPlace, NpmPlace, PyPIPlace, UrlPlace
from bakehouse.supply import npm, pypi
from bakehouse.supply.checksum import sha256_of
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.download import download
from bakehouse.supply.web import new_session, public

MOST_CHARACTERS = 200
"""Of a file's name; file systems take 255 bytes, and downloads add endings of their own."""

HUB = "https://huggingface.co"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A verified file in the cache."""

    path: Path
    sha256: str
    pins: dict[str, LockedFile]
    locked: bool


def fetch_distribution(place: PyPIPlace, context: SupplyContext, *, file: str | None = None) -> Fetched:
    """The wheel or sdist of a PyPI place; `file` names one of several, which then has a pin of its own.

    Raises SupplyError.
    """
    requirement = place.pypi.requirement
    key = f"pypi:{file or requirement}"
    if there := _of_lock(context, key):
        return there
    pin = context.lock.files.get(key)
    _require_network(context, requirement, pin)
    with new_session(retries=2, patience=context.patience) as session:
        listed = pypi.locate(
            requirement,
            environ=context.environ,
            session=session,
            patience=context.patience,
            file=pin.file if pin else file,
        )
    if pin and pin.sha256 != listed.sha256:
        raise SupplyError(
            f"the index lists {listed.file} with sha256 {listed.sha256}, but bakehouse.lock pins {pin.sha256}",
            hint="A release file must never change: find out why before you update the lock.",
        )
    pin = _pin(listed.file, listed.sha256)
    path = _download(context, listed.url, to=_cached(context, pin), sha256=pin.sha256, size=listed.size)
    return Fetched(path=path, sha256=pin.sha256, pins={key: pin}, locked=key in context.lock.files)


def fetch_package(place: NpmPlace, context: SupplyContext) -> Fetched:
    """The tarball of an npm place. Raises SupplyError.

    The registry's sha512 holds for the first download, the lockfile's sha256 ever after.
    """
    requirement = place.npm.requirement
    key = f"npm:{requirement}"
    if there := _of_lock(context, key):
        return there
    pin = context.lock.files.get(key)
    _require_network(context, requirement, pin)
    with new_session(retries=2, patience=context.patience) as session:
        listed = npm.locate(requirement, environ=context.environ, session=session, patience=context.patience)
    if pin:
        path = _download(context, listed.url, to=_cached(context, pin), sha256=pin.sha256, size=None)
        return Fetched(path=path, sha256=pin.sha256, pins={key: pin}, locked=True)
    name = _file_name(listed.url)
    unnamed = context.cache / "downloads" / f"address-{hashlib.sha256(listed.url.encode()).hexdigest()}" / name
    fresh = _download(context, listed.url, to=unnamed, sha256=None, size=None)
    npm.require(fresh, listed)
    pin = _pin(name, sha256_of(fresh))
    return Fetched(path=fresh, sha256=pin.sha256, pins={key: pin}, locked=False)


def fetch_address(place: UrlPlace, context: SupplyContext) -> Fetched:
    """A plain download whose hash only the lockfile knows. Raises SupplyError."""
    pin = context.lock.files.get(place.url)
    name = _file_name(place.url)
    if pin:
        to = _cached(context, pin)
        if not to.is_file():
            context.require_network(public(place.url))
            _download(context, place.url, to=to, sha256=pin.sha256, size=None)
        return Fetched(path=to, sha256=pin.sha256, pins={place.url: pin}, locked=True)
    _require_network(context, public(place.url), pin)
    unnamed = context.cache / "downloads" / f"address-{hashlib.sha256(place.url.encode()).hexdigest()}" / name
    fresh = _download(context, place.url, to=unnamed, sha256=None, size=None)
    pin = LockedFile(file=name, sha256=sha256_of(fresh))
    to = _cached(context, pin)
    to.parent.mkdir(parents=True, exist_ok=True)
    fresh.replace(to)
    return Fetched(path=to, sha256=pin.sha256, pins={place.url: pin}, locked=False)


def fetch_known(place: UrlPlace | HubPlace, context: SupplyContext, *, to: Path, sha256: str, size: int) -> Path:
    """A file whose hash and size (bytes) are known, such as a model. Raises SupplyError."""
    url, headers = address_of(place, context) if isinstance(place, HubPlace) else (place.url, {})
    context.require_network(to.name)
    return _download(context, url, to=to, sha256=sha256, size=size, headers=headers)


def address_of(place: HubPlace, context: SupplyContext) -> tuple[str, dict[str, str]]:
    """Address and headers of a file on a model hub. HF_ENDPOINT and HF_TOKEN count, as with the hub's own tools."""
    hub = place.huggingface
    endpoint = (context.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    token = context.environ.get("HF_TOKEN")
    url = f"{endpoint}/{quote(hub.repo)}/resolve/{quote(hub.revision, safe='')}/{quote(hub.file)}"
    return url, {"Authorization": f"Bearer {token}"} if token else {}


def _require_network(context: SupplyContext, what: str, pin: LockedFile | None) -> None:
    """Raises SupplyError without a network, and says where a pin in the lockfile would have been enough."""
    context.require_network(what if pin else f"{what} is not pinned in bakehouse.lock; what it stands for")


def _pin(file: str, sha256: str) -> LockedFile:
    """Raises SupplyError for a name or a hash that no honest index lists."""
    try:
        return LockedFile(file=file, sha256=sha256)
    except ValidationError:
        message = f"the index lists {file!r} with sha256 {sha256!r}: no name of a file, or no hash"
        raise SupplyError(message) from None


def _file_name(url: str) -> str:
    """The last part of an address, with `_` for what does not belong into a file's name."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", Path(unquote(urlsplit(url).path)).name)
    return name.lstrip("._+-")[-MOST_CHARACTERS:].lstrip("._+-") or "file"


def _of_lock(context: SupplyContext, key: str) -> Fetched | None:
    """What the lockfile pins, where the cache has it: without a request."""
    pin = context.lock.files.get(key)
    if pin is None or not (cached := _cached(context, pin)).is_file():
        return None
    return Fetched(path=cached, sha256=pin.sha256, pins={key: pin}, locked=True)


def _cached(context: SupplyContext, pin: LockedFile) -> Path:
    return context.cache / "downloads" / pin.sha256 / Path(pin.file).name


def _download(
    context: SupplyContext,
    url: str,
    *,
    to: Path,
    sha256: str | None,
    size: int | None,
    headers: dict[str, str] | None = None,
) -> Path:
    if not to.is_file():
        weight = f" ({flow(size, 'B')})" if size else ""
        context.say(f"Asking {urlsplit(url).hostname} for {to.name}{weight}")
    with new_session() as session:
        return download(
            url,
            to=to,
            sha256=sha256,
            size=size,
            session=session,
            progress=context.progress(to.name),
            patience=context.patience,
            headers=headers,
        )
