"""The catalogue of images that Dockerfiles start from (`bases.yaml`), and what is known of one reference."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.lint.stages.references import ShortReference, read_reference
from bakehouse.model.field_types import Model, Text

FILE = "bases.yaml"

Manager = Literal["apt", "apk", "dnf", "zypper", "pacman"]
Libc = Literal["glibc", "musl", "other", "none"]


class Release(Model):
    """One release of a distribution."""

    names: tuple[Text, ...] = ()
    """What tags call it beside its number."""
    glibc: Text | None = None
    gcc: int | None = None
    """Major version of its compiler."""
    libstdcxx: int | None = None
    """GCC whose C++ library is installed, where that is another one."""
    cmake: Text | None = None
    cuda: Text | None = None
    """CUDA of its package nvidia-cuda-toolkit."""
    holds: tuple[Text, ...] = ()


class Distribution(Model):
    """What all its images have."""

    title: Text | None = None
    manager: Manager
    libc: Libc = "glibc"
    holds: tuple[Text, ...] = ()
    perhaps: tuple[Text, ...] = ()
    lacks: tuple[Text, ...] = ()
    releases: dict[Text, Release]


class Image(Model):
    """One kind of image."""

    names: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Repositories; may hold `*`."""
    tags: tuple[Text, ...] = ()
    """Only with a tag like one of these."""
    platforms: tuple[Literal["amd64", "arm64"], ...] = ()
    """All that it exists for, where that is not both."""
    distribution: Text | None = None
    libc: Libc | None = None
    complete: bool = False
    """Whether all is known that it holds: what is neither held nor perhaps there, is not there."""
    holds: tuple[Text, ...] = ()
    perhaps: tuple[Text, ...] = ()
    lacks: tuple[Text, ...] = ()
    toolkit: Literal["cuda", "rocm", "xpu"] | None = None
    """Its tag begins with the version."""
    flavour: Text | None = None
    environment: dict[Text, Text] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    backends: tuple[Text, ...] = ()
    """Of the server in it, by the options that switch them on."""
    release: Text | None = None
    """Of its distribution, where the tag does not say it."""
    compiler_in_tag: bool = False
    """Whether the tag is the version of GCC."""
    nonroot: bool = False
    """Whether its user is not root, whatever the tag."""
    workdir: Text | None = None
    entrypoint: tuple[Text, ...] = ()
    command: tuple[Text, ...] = ()
    health: Text | None = None
    """The command of its health check."""


class BaseCatalogue(Model):
    """`bases.yaml`, or a file beside it with images of one server."""

    distributions: dict[Text, Distribution] = {}  # noqa: RUF012
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownBase:
    """What is known of the image that a stage stands on."""

    reference: ShortReference
    text: str
    """As written, with arguments filled in."""
    image: Image | None
    """None where the catalogue has none."""
    distribution: Distribution | None = None
    distribution_name: str | None = None
    release: str | None = None
    complete: bool = False
    """Whether all that it holds is known."""
    toolkit_version: str | None = None

    @property
    def facts(self) -> Release:
        """Of its release; without any where that is not known."""
        releases = self.distribution.releases if self.distribution else {}
        return releases.get(self.release or "", Release())

    @property
    def is_nonroot(self) -> bool:
        """Whether its user is not root: `gcr.io/distroless/cc-debian12:debug-nonroot`."""
        return "nonroot" in self.reference.tag.split("-") or (self.image is not None and self.image.nonroot)

    @property
    def libc(self) -> Libc | None:
        if self.image is not None and self.image.libc:
            return self.image.libc
        return self.distribution.libc if self.distribution else None

    @property
    def manager(self) -> Manager | None:
        return self.distribution.manager if self.distribution else None

    @property
    def title(self) -> str:
        """For people: `ubuntu 22.04`, else the reference."""
        name = self.distribution_name
        return f"{name} {self.release}" if name and self.release else self.text

    @property
    def gcc(self) -> int | None:
        """Major version of the compiler that its packages bring, or that its tag names."""
        if self.image is not None and self.image.compiler_in_tag and self.reference.tag.split(".")[0].isdigit():
            return int(self.reference.tag.split(".")[0])
        return self.facts.gcc

    @property
    def libstdcxx(self) -> int | None:
        """The GCC whose C++ library it has."""
        return self.facts.libstdcxx or self.facts.gcc

    def has(self, component: str) -> bool | None:
        """None where it is not known."""
        image, distribution = self.image, self.distribution
        if image is None:
            return None
        if component in (*image.lacks, *(distribution.lacks if distribution and component not in image.holds else ())):
            return False
        if component in (*image.holds, *(distribution.holds if distribution else ()), *self.facts.holds):
            return True
        if component in (*image.perhaps, *(distribution.perhaps if distribution else ())):
            return None
        return False if self.complete else None


def find_base(text: str, catalogue: BaseCatalogue) -> KnownBase:
    """What the catalogue knows of a reference."""
    reference = read_reference(text)
    if "$" in reference.repository:
        return KnownBase(reference=reference, text=text, image=None)
    image = next((one for one in catalogue.images if reference.is_named(one.names) and _tagged(reference, one)), None)
    exact = image is not None
    if image is None:
        image = next(
            (one for one in catalogue.images if reference.is_copy_of(one.names) and _tagged(reference, one)), None
        )
    if image is None:
        return KnownBase(reference=reference, text=text, image=None)
    name, release = _distribution(reference, image, catalogue)
    return KnownBase(
        reference=reference,
        text=text,
        image=image,
        distribution=catalogue.distributions.get(name),
        distribution_name=name or None,
        release=release,
        complete=image.complete and (exact or image.toolkit is not None) and "$" not in reference.tag,
        toolkit_version=_version(reference) if image.toolkit else None,
    )


def _tagged(reference: ShortReference, image: Image) -> bool:
    return not image.tags or any(fnmatch.fnmatchcase(reference.tag, pattern) for pattern in image.tags)


def _version(reference: ShortReference) -> str | None:
    found = re.match(r"[0-9]+(?:\.[0-9]+)+", reference.tag)
    return found[0] if found else None


def _distribution(reference: ShortReference, image: Image, catalogue: BaseCatalogue) -> tuple[str, str | None]:
    """The distribution that a word of the reference names, else the image's usual one; and the release."""
    text = f"{reference.repository}:{reference.tag}".lower()
    for name, distribution in catalogue.distributions.items() if image.distribution else ():
        for release, facts in distribution.releases.items():
            spelled = (release, release.replace(".", ""))
            words = (*facts.names, *(f"{name}{sign}{one}" for one in spelled for sign in ("", "-")))
            if any(re.search(rf"(?<![a-z0-9.]){re.escape(word)}(?![0-9])", text) for word in words):
                return name, release
    name = image.distribution or ""
    if name in catalogue.distributions and reference.repository.rpartition("/")[2] in (name, *_BY_NUMBER):
        for release in catalogue.distributions[name].releases:
            if re.match(rf"(?:stream)?{re.escape(release)}(?![0-9])", reference.tag):
                return name, release
    return name, image.release


_BY_NUMBER = ("rockylinux", "almalinux", "centos", "oraclelinux", "ubi", "ubi-minimal", "leap", "fedora-minimal")
"""Images whose tag is the release of their distribution."""


@functools.cache
def load_bases() -> BaseCatalogue:
    """What comes with bakehouse."""
    return read_catalogue(resources.files("bakehouse.lint.stages").joinpath(FILE).read_text(encoding="utf-8"), FILE)


def read_catalogue(text: str, file: str) -> BaseCatalogue:
    return validate(parse(text, file=file), BaseCatalogue)


def together(first: BaseCatalogue, second: BaseCatalogue) -> BaseCatalogue:
    """The images of the first one are looked at first."""
    merged: Mapping[str, Distribution] = {**second.distributions, **first.distributions}
    return BaseCatalogue(distributions=dict(merged), images=(*first.images, *second.images))
