"""What compiles a cell's stages: the stage's own compiler, or one for another platform.

Only linux/amd64 is compiled by the stage's own. Everything else is cross-compiled on the machine that builds, so that
no compiler ever runs under emulation. The text is the same on every machine: on an arm64 one, Debian's cross compiler
for arm64 is its own compiler by another name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """The names that templates use as `toolchain`."""

    on: str = ""
    """Stands before a base's name in FROM."""
    arch: str = ""
    """Debian's name of the platform, where it is not the stage's own."""
    triplet: str = ""
    """GNU's name of the same."""
    packages: tuple[str, ...] = ()
    """Debian packages beyond the recipe's."""
    cmake: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    cc: str = "cc"
    strip: str = "strip"


def _cross(*, arch: str, triplet: str, processor: str) -> Toolchain:
    return Toolchain(
        on=Markup("--platform=$BUILDPLATFORM "),
        arch=arch,
        triplet=triplet,
        packages=(f"g++-{triplet}",),
        cmake={
            "CMAKE_SYSTEM_NAME": "Linux",
            "CMAKE_SYSTEM_PROCESSOR": processor,
            "CMAKE_C_COMPILER": f"{triplet}-gcc",
            "CMAKE_CXX_COMPILER": f"{triplet}-g++",
        },
        env={"PKG_CONFIG_LIBDIR": f"/usr/lib/{triplet}/pkgconfig:/usr/share/pkgconfig"},
        cc=f"{triplet}-gcc",
        strip=f"{triplet}-strip",
    )


OWN = Toolchain()
CROSS = {"linux/arm64": _cross(arch="arm64", triplet="aarch64-linux-gnu", processor="aarch64")}


def toolchain_of(platform: str) -> Toolchain:
    return CROSS.get(platform, OWN)
