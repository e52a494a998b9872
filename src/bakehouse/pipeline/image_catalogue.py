"""Reads a `catalogue.json`, from a file or an address."""

from __future__ import annotations

from pathlib import Path

import requests
from pydantic import ValidationError

from bakehouse.errors import InputError, Where
from bakehouse.model.image_catalogue import CATALOGUE_SCHEMA, ImageCatalogue
from bakehouse.supply.web import network_errors, new_session, public, refusal

MOST_BYTES = 64 << 20
"""Of a catalogue: an image with all its figures takes 20 KiB."""
USUAL = ("catalogue.json", "catalogue/catalogue.json")
"""Where it is looked for, below the project's folder."""
TIMEOUT = (10.0, 60.0)
"""Seconds for the connection, and between two pieces of data."""


def read_catalogue(place: str | None, root: Path) -> ImageCatalogue:
    """`place`: a file or an address; None: where `bakehouse catalogue` writes it.

    Raises InputError for what is no catalogue, SupplyError for an address that does not answer.
    """
    name = place or next((one for one in USUAL if (root / one).is_file()), None)
    if name is None:
        hint = "Name it with --from FILE or --from https://..., or write one: bakehouse catalogue --write catalogue."
        raise InputError(f"there is no catalogue of images: no {' and no '.join(USUAL)} here", hint=hint)
    content = _fetch(name) if name.startswith(("http://", "https://")) else _read(name, root)
    try:
        found = ImageCatalogue.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where or 'the file'}: {first['msg']}", where=Where(file=public_name(name))) from None
    if found.schema_version > CATALOGUE_SCHEMA:
        hint = "Install the bakehouse that wrote it, or a newer one."
        raise InputError(f"it was written by a newer bakehouse ({found.bakehouse})", hint=hint, where=Where(file=name))
    return found


def public_name(name: str) -> str:
    """Without a password that an address may hold."""
    return public(name) if "://" in name else name


def _read(name: str, root: Path) -> bytes:
    try:
        with (root / name).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read it: {error.strerror}", where=Where(file=name)) from None
    return _bounded(content, name)


def _fetch(address: str) -> bytes:
    with network_errors(address), new_session(retries=2) as session:
        answer = session.get(address, timeout=TIMEOUT, stream=True)
        if answer.status_code != requests.codes.ok:
            raise refusal(answer, address)
        return _bounded(answer.raw.read(MOST_BYTES + 1, decode_content=True), public(address))


def _bounded(content: bytes, name: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise InputError(f"it holds more than {MOST_BYTES >> 20} MiB", where=Where(file=name))
    return content
