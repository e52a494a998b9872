"""`publish:` of `matrix.yaml`: where images go, what they must have passed, and how long they stay."""

from __future__ import annotations

import string
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bakehouse.model.field_types import Line, Model, Name, PathInside, Platform
from bakehouse.model.text_format import Format

DAYS = 3650
"""The most that a number of days may be."""


def _fields(text: str) -> set[str]:
    """Names in braces. Raises ValueError for braces that are not closed, and for anything but a name in them."""
    found = set()
    for _, field, spec, conversion in string.Formatter().parse(text):
        if field is not None and (spec or conversion):
            raise ValueError(text)
        if field is not None:
            found.add(field)
    return found


def _check_tag(text: str) -> None:
    fields = _fields(text)
    if "variant" not in fields or not fields & {"date", "digest"} or fields - {"version", "variant", "date", "digest"}:
        raise ValueError(text)


def _check_repository(text: str) -> None:
    if _fields(text) != {"recipe"}:
        raise ValueError(text)


TagPattern = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9_{][A-Za-z0-9_.{}-]*$",
        longest=100,
        check=_check_tag,
        expected="a tag with {variant}, with {date} or {digest}, and perhaps {version}, like "
        "{version}-{variant}-{date}",
    ),
]
"""`{version}` is the image's (b11312), `{variant}` the cell without its recipe and platform (cuda12.9-sm120), `{date}`
the day of the run in UTC (20261127), `{digest}` the first 12 digits of the index."""
RepositoryPattern = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[a-z0-9{](?:[a-z0-9._{}-]*[a-z0-9}])?)+$",
        check=_check_repository,
        expected="a registry and a repository with {recipe} in it, like ghcr.io/me/{recipe}",
    ),
]
ChannelName = Annotated[
    str,
    Format(
        pattern=r"^[a-z](?:[a-z0-9-]*[a-z0-9])?$", longest=32, expected="lower-case letters, digits and '-'",
    ),
]  # fmt: skip
CellPattern = Annotated[
    str,
    Format(pattern=r"^[a-z0-9.*?-]+$", expected="a cell's name, in which * and ? may stand, like embedder-cuda12.*"),
]
LicencePattern = Annotated[
    str,
    Format(pattern=r"^[A-Za-z0-9.+*-]+$", expected="a licence's name, in which * may stand, like AGPL-3.0*"),
]
Days = Annotated[int, Field(ge=0, le=DAYS)]


class GateRule(StrEnum):
    """What the outcome of a gate does to a channel."""

    REQUIRED = "required"
    """It must pass: what failed and what could not be run keep the channel where it is."""
    WHEN_RUN = "when-run"
    """What failed keeps the channel where it is; what could not be run is reported."""
    REPORTED = "reported"
    """It is reported, whatever it is."""


Rule = Annotated[GateRule, Field(strict=False)]


class Gates(Model):
    """What an image must have passed before a channel moves to it."""

    proof: Rule = GateRule.REQUIRED
    """Every check of the image at rest."""
    probes: Rule = GateRule.REQUIRED
    """Every test of the running image."""
    speed: Rule = GateRule.WHEN_RUN
    """No rate worse than that of the channel's present image on the same machine. A builder without the card cannot
    run it."""
    size: Rule = GateRule.REQUIRED
    """The recipe's size budget."""
    freshness: Rule = GateRule.REPORTED
    """Bases that are not outdated for longer than `base_days`."""
    licences: Rule = GateRule.REPORTED
    """No package under one of the `denied_licences`."""
    vulnerabilities: Rule = GateRule.WHEN_RUN
    """No package with a known vulnerability that a newer one mends; runs where there is a database."""


class Channel(Model):
    """A tag that moves: `nightly-cuda12.9-sm120` for each variant."""

    summary: Line | None = None
    cells: tuple[CellPattern, ...] = ()
    """Cells that it takes; without any, all."""
    platforms: tuple[Platform, ...] = ()
    """What an image must be there for before the channel moves to it. Without any: every platform that the matrix
    builds the variant for."""
    plain: Name | None = None
    """The variant that the tag without a variant (`nightly`) names, for example `cpu`."""
    max_age_days: Days = 7
    """A channel that no run has confirmed for longer is stale, which `publish --list` fails for."""
    gates: Gates = Gates()


class Retention(Model):
    """How long immutable tags stay. What a channel, the lockfile or the history's baseline names stays anyway."""

    days: Days = 90
    keep: Annotated[int, Field(ge=0, le=1000)] = 5
    """Newest tags of each variant that stay, however old."""
    notice_days: Days = 30
    """How long before it goes a tag is announced, by an annotation on its digest and in the catalogue."""


class Signing(Model):
    """Who signs. The private key never stands in a file of the project."""

    tool: Literal["bakehouse", "cosign"] = "bakehouse"
    """bakehouse: an ECDSA key from BAKEHOUSE_SIGNING_KEY or BAKEHOUSE_SIGNING_KEY_FILE. cosign: that program, which can
    sign without a key in CI."""
    public_key: PathInside | None = None
    """PEM file of the project, by which `verify` knows our signatures."""
    identity: Line | None = None
    """With cosign: regular expression of the certificate's identity, the workflow that may sign."""
    issuer: Line | None = None
    """With cosign: who vouched for it, like https://token.actions.githubusercontent.com."""

    @model_validator(mode="after")
    def _cosign_knows_whom_to_believe(self) -> Signing:
        if self.tool == "cosign" and not (self.identity and self.issuer):
            raise PydanticCustomError("cosign", "with cosign needs identity and issuer: whose signatures count")
        return self


class Publish(Model):
    """Where images go. All of it may be left out: without a registry, one is started on this machine."""

    repository: RepositoryPattern | None = None
    """Without one: a registry on this machine, started for the purpose."""
    staging: RepositoryPattern | None = None
    """Where a digest waits for its gates. Without one: the repository's name with `-staging` at its end."""
    tag: TagPattern = "{version}-{variant}-{date}"
    """Of the tag that never moves."""
    channels: Annotated[dict[ChannelName, Channel], Field(min_length=1)] = {"nightly": Channel(), "stable": Channel()}
    """`publish` moves the first one, unless another is named."""
    retention: Retention = Retention()
    base_days: Days = 30
    """How long a base may be outdated."""
    denied_licences: tuple[LicencePattern, ...] = ()
    vulnerability_database: PathInside | None = None
    """File of the project (or BAKEHOUSE_VULNERABILITIES): the Debian security tracker's `json`."""
    vulnerability_days: Days = 7
    """How old that file may be. An older one still says what it knows, and nothing passes by it."""
    signing: Signing = Signing()
