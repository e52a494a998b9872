"""Pictures out of a request: a form with files, JSON with base64, or the bytes alone."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.refused import Refused
from service.settings import PictureSettings

FIELDS = 32
"""Of a form, beside its files."""
Q = TypeVar("Q", bound="Options")
Encoded = Annotated[str, Field(min_length=1)]


class Options(BaseModel):
    """What may be asked beside the pictures. A service adds its own in a subclass."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    image_base64: Encoded | None = None
    images_base64: Annotated[list[Encoded], Field(min_length=1)] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What came: files as they are, and options as text or as JSON has them."""

    files: list[bytes] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


async def receive(
    request: Request, model: type[Q], settings: PictureSettings, *, pictures: bool = True
) -> tuple[list[bytes], Q]:
    """Encoded pictures, and the options. `pictures`: whether there must be one.

    Raises Refused (413, 415, 422) and ValidationError.
    """
    sent = await _sent(request, settings)
    options = model.model_validate(dict(request.query_params) | sent.options)
    found = sent.files + [_decoded(one) for one in _encoded(options)]
    if pictures and not found:
        raise Refused(422, "no picture: send a form with a file, JSON with image_base64, or the picture as the body")
    if len(found) > settings.max_pictures:
        raise Refused(413, f"{len(found)} pictures; MAX_PICTURES is {settings.max_pictures}")
    return found, options


async def _sent(request: Request, settings: PictureSettings) -> Sent:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    match kind:
        case "multipart/form-data":
            return await _form(request, settings)
        case "application/json":
            return Sent(options=_json(await request.body()))
        case _ if kind.startswith("image/") or kind in ("", "application/octet-stream"):
            body = await request.body()
            return Sent(files=[body] if body else [])
        case _:
            raise Refused(415, f"Content-Type {kind}: multipart/form-data, application/json or image/*")


async def _form(request: Request, settings: PictureSettings) -> Sent:
    """In memory: the image has a read-only root, and the body is bounded."""
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=settings.max_pictures + 1,
        max_fields=FIELDS,
        max_part_size=settings.max_body_bytes,
    )
    parser.spool_max_size = settings.max_body_bytes
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Refused(422, f"the form cannot be read: {getattr(error, 'message', 'no boundary')}") from None
    files, options = [], {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append(await value.read())
        else:
            options[name] = value
    await form.close()
    return Sent(files=files, options=options)


def corners(given: str | list[float] | None) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of a box that a client gave as x, y, width, height. Raises Refused."""
    if given is None:
        return None
    try:
        x, y, width, height = (float(one) for one in (given.split(",") if isinstance(given, str) else given))
    except ValueError:
        raise Refused(422, "bbox: expected x, y, width and height in pixels") from None
    return x, y, x + width, y + height


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(422, "the body is no JSON") from None
    if not isinstance(document, dict):
        raise Refused(422, "the body is no JSON object")
    return document


def _encoded(options: Options) -> list[str]:
    return [one for one in (options.image_base64, *(options.images_base64 or ())) if one is not None]


def _decoded(text: str) -> bytes:
    """Also of a data URL, as browsers write it."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "image_base64: no base64") from None
