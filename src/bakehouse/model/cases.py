"""Probes that a recipe declares: a request to its server or a command in its image, and what must come of it."""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Any, Literal

import jmespath
from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    field_validator,
    model_serializer,
    model_validator,
)

from bakehouse.model.field_types import Model, Name, OneLine, PathInside, Seconds, Size, Text, UrlPath
from bakehouse.model.text_format import Format

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HeaderName = Annotated[
    str, Format(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", expected="a header's name"),
]  # fmt: skip
Whole = Annotated[int, Field(ge=-(10**15), le=10**15)]
Number = Annotated[float, Field(ge=-1e15, le=1e15)]
Scalar = Text | Whole | Number | bool | None


class Upload(Model):
    """A field of a form that is a file."""

    file: PathInside
    """Below the recipe's folder."""
    type: OneLine = "application/octet-stream"
    """Its media type."""


class HttpRequest(Model):
    """What is sent to the server that runs."""

    method: Method = "GET"
    path: UrlPath
    headers: dict[HeaderName, OneLine] = {}
    body: Any = None
    """Text is sent as it is; a mapping or a list as JSON. A text "{100000 characters}" is words of that length."""
    file: PathInside | None = None
    """A file of the recipe's folder, which is sent instead of `body`."""
    form: dict[OneLine, OneLine | Upload] = {}
    """Fields of a form with files (multipart/form-data), instead of `body`."""
    padding: Size | None = None
    """Spaces that follow the body: JSON stays what it was, and the body is this much larger."""

    @property
    def _bodies(self) -> dict[str, bool]:
        return {"body": self.body is not None, "file": self.file is not None, "form": bool(self.form)}

    @model_validator(mode="after")
    def _one_body(self) -> HttpRequest:
        named = [name for name, value in self._bodies.items() if value]
        if len(named) > 1:
            raise ValueError(f"names a {' and a '.join(named)}, and may have only one")
        if self.method in ("GET", "HEAD") and named:
            raise ValueError(f"{self.method} has no body; write method: POST")
        if self.form and self.padding:
            raise ValueError("pads a form, whose end would not be found; pad a body or a file")
        return self


class ExpectedValue(Model):
    """What a value must be. Everything that is named must hold."""

    equals: Scalar | tuple[Any, ...] | dict[Text, Any] = None
    min: Number | None = None
    max: Number | None = None
    matches: Text | None = None
    """A regular expression that is found in it."""
    length: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """Of a list, a text or a mapping."""

    @model_validator(mode="after")
    def _says_something(self) -> ExpectedValue:
        if not self.model_fields_set:
            raise ValueError("must name at least one of equals, min, max, matches, length")
        return self

    @model_serializer(mode="wrap")
    def _what_was_said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was left out, so that `equals: null` differs from none when it is read back."""
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}

    @field_validator("matches")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        return _pattern(value)


def _form(value: object) -> str:
    return "ExpectedValue" if isinstance(value, dict | ExpectedValue) else "scalar"


ValueOrScalar = Annotated[
    Annotated[ExpectedValue, Tag("ExpectedValue")] | Annotated[Scalar, Tag("scalar")], Discriminator(_form)
]


class Expected(Model):
    """What must come back."""

    status: (
        Annotated[int, Field(ge=100, le=599)]
        | Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(min_length=1)]
    ) = 200
    """Of HTTP; one of several, where it is a list."""
    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    """Of a command."""
    values: dict[Text, ValueOrScalar] = {}
    """JMESPath expression on the JSON to what it must be: a value, or a map of equals, min, max, matches, length."""
    headers: dict[HeaderName, Text] = {}
    """Header to a regular expression that is found in it."""
    text: Text | None = None
    """A regular expression that is found in the answer, or in what the command printed."""

    @field_validator("text")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        return _pattern(value)

    @field_validator("headers")
    @classmethod
    def _compile(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: str(_pattern(pattern)) for name, pattern in value.items()}

    @field_validator("values")
    @classmethod
    def _parse(cls, value: dict[str, ExpectedValue | Scalar]) -> dict[str, ExpectedValue | Scalar]:
        for expression in value:
            require_expression(expression)
        return value


class Case(Model):
    """One probe of the recipe's own: a row in the report."""

    name: Name
    http: HttpRequest | None = None
    exec: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """Program and arguments, run to their end in a container of the image of its own; no model, no port."""
    expect: Expected = Expected()
    timeout: Seconds = 10.0
    """Seconds for one try."""
    retries: Annotated[int, Field(ge=0, le=1000)] = 0
    """Further tries, a second apart, of one that fails."""

    @model_validator(mode="after")
    def _one_kind(self) -> Case:
        if (self.http is None) == (self.exec is None):
            raise ValueError("must say what is done: http or exec, and not both")
        return self


def require_expression(text: str) -> str:
    """The same text. Raises ValueError where it is no JMESPath expression."""
    try:
        with warnings.catch_warnings(action="error", category=PendingDeprecationWarning):
            jmespath.compile(text)
    except (jmespath.exceptions.JMESPathError, PendingDeprecationWarning) as error:
        said = str(error).encode("utf-8", "backslashreplace").decode()  # it may quote half of a character
        reason = (said.splitlines() or ["it is empty"])[0]
        raise ValueError(f"{text!r} is no JMESPath expression: {reason}") from None
    return text


def _pattern(value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    return value
