"""BAKEHOUSE_BUILD_CACHE: where results of build stages are kept between machines."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from bakehouse.errors import InputError
from bakehouse.model.ci import CacheRepository

VARIABLE = "BAKEHOUSE_BUILD_CACHE"
_FORM = TypeAdapter(CacheRepository)


def build_cache(environ: Mapping[str, str]) -> str:
    """A repository; empty where none is wanted. Raises InputError for what is no repository."""
    text = environ.get(VARIABLE, "").strip()
    if not text:
        return ""
    try:
        return _FORM.validate_python(text)
    except ValidationError as error:
        raise InputError(f"{VARIABLE}={text!r} {error.errors()[0]['msg']}") from None
