"""`matrix.yaml`, what we build, and the catalogue, facts of the world that it stands on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bakehouse.model.ci import Automation
from bakehouse.model.field_types import (
    Accelerator,
    ArchCode,
    ArchName,
    Arithmetic,
    Bandwidth,
    Bytes,
    CMakeOption,
    CommitHash,
    DebianPackage,
    DriverVersion,
    EnvName,
    FileName,
    FileVersion,
    Line,
    Link,
    MajorVersion,
    Model,
    Moment,
    Name,
    OneLine,
    PciId,
    Platform,
    Sha256,
    Size,
    ToolkitVersion,
)
from bakehouse.model.fleet import FleetHost
from bakehouse.model.places import BasePlace, ModelPlace, SourcePlace
from bakehouse.model.publish import Publish
from bakehouse.model.question import Question


class Base(Model):
    """An image that stages start FROM, and the places to get it, tried in order."""

    os: Name
    """Distribution and version, for example `debian13`."""
    platforms: Annotated[tuple[Platform, ...], Field(min_length=1)]
    gcc: MajorVersion | None = None
    """Major version of the GCC that its packages bring."""
    cmake: ToolkitVersion | None = None
    """Version of the CMake that its packages bring."""
    places: Annotated[tuple[BasePlace, ...], Field(min_length=1)]
    source: Link | None = None
    """Where these facts are written down."""


class SourceTree(Model):
    """A source tree at one revision, and the places to get it, tried in order."""

    revision: CommitHash
    """Full commit hash."""
    build_number: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """What the project counts its revisions by, such as the number of commits; 0 where it counts none."""
    committed: Moment
    """When that commit was made. It becomes SOURCE_DATE_EPOCH, so that the same input gives the same image."""
    places: Annotated[tuple[SourcePlace, ...], Field(min_length=1)]


class ModelFile(Model):
    """A model that probes run, and the places to get it, tried in order."""

    file: FileName
    """Name the file has when a container sees it."""
    sha256: Sha256
    size: Bytes
    """Bytes."""
    question: Question | None = None
    """What it is asked to see that it computes the right thing; without one it is asked nothing."""
    beside: tuple[Name, ...] = ()
    """Other rows of `models` whose files lie in the same folder: a tokenizer."""
    places: Annotated[tuple[ModelPlace, ...], Field(min_length=1)]


class KnownBad(Model):
    """What is wrong with a version: no cell is built with it."""

    reason: Line
    """One sentence: what goes wrong, and where."""
    fixed_in: ToolkitVersion | None = None
    archs: tuple[ArchName, ...] = ()
    """Only for these archs; without any, for all."""
    link: Link | None = None


class Toolkit(Model):
    """A version of an accelerator's compiler and libraries."""

    accelerator: Accelerator
    version: ToolkitVersion
    build_base: Name
    """Base of the stage that compiles the backend."""
    runtime_base: Name | None = None
    """Base of the image; without one, the recipe's. The libraries that the backend links to are copied into it."""
    driver_floor: DriverVersion | None = None
    """Oldest driver with all features, for example `575.57.08`."""
    driver_floor_minor: DriverVersion | None = None
    """Oldest driver that runs native code of this toolkit, but compiles no PTX (minor-version compatibility)."""
    kernel_driver: ToolkitVersion | None = None
    """Of ROCm: the oldest release whose kernel driver (amdgpu) this one is tested with."""
    gcc: MajorVersion | None = None
    """Major version of the GCC that compiles host code, where the base's own will not do."""
    newest_gcc: MajorVersion | None = None
    """Newest major version of GCC that its compiler accepts."""
    cmake: dict[CMakeOption, OneLine] = {}
    """Options that the backend's configure step needs with this toolkit."""
    env: dict[EnvName, OneLine] = {}
    """Variables of the backend's configure and compile steps."""
    library_archs: tuple[ArchName, ...] = ()
    """Archs that its libraries hold kernels for (rocBLAS), which may be fewer than its compiler knows; none: all."""
    known_bad: KnownBad | None = None
    source: Link | None = None
    """Where these facts are written down."""


class Arch(Model):
    """Code a GPU runs."""

    accelerator: Accelerator
    first_toolkit: ToolkitVersion | None = None
    """Oldest toolkit that compiles it."""
    last_toolkit: ToolkitVersion | None = None
    """Newest one that still does."""
    code: ArchCode | None = None
    """What is really compiled, where it is not the arch itself: `sm_120a` for `sm_120`, where builds ask for that."""
    runs: tuple[ArchName, ...] = ()
    """Other archs whose cards run this code natively: `sm_86` code runs on `sm_89`."""
    platforms: tuple[Platform, ...] = ()
    """Platforms of the machines with such cards; without any, all."""
    first_cmake: ToolkitVersion | None = None
    """Oldest CMake that takes this name, where the stage's own may be older."""
    first_driver: DriverVersion | None = None
    """Oldest driver that knows cards of this arch; a card may name a newer one."""
    last_driver: DriverVersion | None = None
    """Last branch of drivers that knows them, for example `580`: 580.95.05 does, 590 does not."""
    first_kernel: ToolkitVersion | None = None
    """Oldest Linux kernel whose own driver runs these cards without faults."""
    note: Line | None = None
    """What surprises."""
    source: Link | None = None
    """Where these facts are written down."""


class ArchGroup(Model):
    """Several archs in one plugin: one value of the arch axis. A toolkit compiles those of them that it can."""

    summary: Line
    archs: Annotated[tuple[ArchName, ...], Field(min_length=1)]
    ptx: ArchName | None = None
    """The arch whose PTX goes in beside the native code, for cards that are newer than the image."""


class Gpu(Model):
    """A card by its catalogue name."""

    accelerator: Accelerator
    """The one that suits it best."""
    arch: ArchName | None = None
    memory: Size | None = None
    platform: Platform = "linux/amd64"
    aliases: tuple[Name, ...] = ()
    also: tuple[Accelerator, ...] = ()
    """Further accelerators that run on it, for example `vulkan`."""
    pci: tuple[PciId, ...] = ()
    """How the card is known on the bus where no driver tells its name."""
    bandwidth: Bandwidth | None = None
    """Memory bandwidth by the vendor's data sheet: the limit of single-stream decoding."""
    compute: Arithmetic | None = None
    """Dense matrix products in 16 bits with 32-bit sums, by the same: the limit of long prompts."""
    first_driver: DriverVersion | None = None
    """Oldest driver that lists the card, where it is newer than its arch's. One in between mostly runs it."""
    last_driver: DriverVersion | None = None
    """Last branch of drivers that knows the card, where it is not its arch's."""
    note: Line | None = None
    """What surprises."""
    source: Link | None = None
    """Where these facts are written down."""


class FlagSet(Model):
    """A named set of build options: one more kind of cell."""

    summary: Line
    extends: Name | None = None
    """Another flag set whose options come first."""
    recipes: tuple[Name, ...] = ()
    """Recipes that it is for. Without any: every recipe that is compiled. `default` is for all recipes."""
    accelerators: Annotated[tuple[Accelerator, ...], Field(min_length=1)]
    """Accelerators it makes sense for."""
    cmake: dict[CMakeOption, OneLine] = {}
    """Options for the backend plugin's configure step."""
    plugins: tuple[Name, ...] = ()
    """CMake targets of backend plugins that this flag set adds."""
    build_packages: tuple[DebianPackage, ...] = ()
    runtime_packages: tuple[DebianPackage, ...] = ()
    extra_size: Size | None = None
    """What these packages and plugins may add to the recipe's size budget."""

    @property
    def compiles(self) -> bool:
        """Whether it says anything that only a build from source can follow."""
        return bool(self.cmake or self.plugins or self.build_packages)


class Exclusion(Model):
    """Combinations that are not built. Every key in `when` must match."""

    when: Annotated[
        dict[Literal["recipe", "accelerator", "toolkit", "arch", "flag_set", "platform"], Line], Field(min_length=1)
    ]
    reason: Line
    """One sentence for the person who asks why the cell is missing."""
    link: Link | None = None


class Axes(Model):
    """What is combined. Each combination is a cell or an exclusion with a reason."""

    accelerator: Annotated[tuple[Accelerator, ...], Field(min_length=1)]
    flag_set: Annotated[tuple[Name, ...], Field(min_length=1)]
    platform: Annotated[tuple[Platform, ...], Field(min_length=1)]
    toolkit: tuple[Name, ...] = ()
    arch: tuple[ArchName, ...] = ()
    """Names in `archs` and in `arch_groups`."""


class Catalogue(Model):
    """Facts of the world that ship with the package, one file a section. A matrix adds to them and overrides them."""

    bases: dict[Name, Base] = {}
    toolkits: dict[Name, Toolkit] = {}
    archs: dict[ArchName, Arch] = {}
    gpus: dict[Name, Gpu] = {}


ROWS: dict[str, type[Model]] = {"bases": Base, "toolkits": Toolkit, "archs": Arch, "gpus": Gpu}
"""The sections of the catalogue, and what a row of each is."""


class Matrix(Model):
    """`matrix.yaml` with the rows of the catalogue: what we build, and the world that it stands on."""

    version: FileVersion
    catalogue: bool = True
    """Whether the catalogue that ships with bakehouse completes the matrix; if not, all rows stand in the matrix."""
    recipes: tuple[Name, ...] = ()
    """Recipes that ship with bakehouse and are used as they are, beside those in the project's recipes/. Their sources
    and models need no row here."""
    bases: Annotated[dict[Name, Base], Field(min_length=1)]
    sources: dict[Name, SourceTree] = {}
    models: dict[Name, ModelFile] = {}
    toolkits: dict[Name, Toolkit] = {}
    archs: dict[ArchName, Arch] = {}
    arch_groups: dict[Name, ArchGroup] = {}
    gpus: dict[Name, Gpu] = {}
    flag_sets: Annotated[dict[Name, FlagSet], Field(min_length=1)]
    usual_driver: DriverVersion | None = None
    """The NVIDIA driver that most machines have: of equal toolkits, those that it runs wholly come first."""
    axes: Axes
    exclude: tuple[Exclusion, ...] = ()
    hosts: dict[Name, FleetHost] = {}
    """Machines that test what was built here, by the cards that they have. `here` is the one that builds."""
    publish: Publish = Publish()
    ci: Automation = Automation()
