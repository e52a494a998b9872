"""The kinds of text and numbers that people write, and the strictness of every file.

An unknown key is an error, and a version is a string, so that `12.10` never becomes `12.1`. Each kind of text has a
format: what does not have it is refused where it stands, so that no value can pass for an option, leave a folder or
become a line of its own in a file that is rendered.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.text_format import Format

# ---------------------------------------------------------------------------------------------- free text

Text = Annotated[str, Format(expected="text", longest=20_000, many_lines=True)]
"""Several lines, for what is sent to a server. What is written into a file is a `Line`."""
Line = Annotated[str, Format(expected="a single line", longest=2000)]
OneLine = Annotated[str, Format(expected="a single line", longest=8000, shortest=0)]
"""The value of an option or a variable, which may be empty."""

# ---------------------------------------------------------------------------------------------- names

Name = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$",
        longest=64,
        expected="lower-case letters and digits, with single '-' or '.' between them",
    ),
]
"""No `_`, because a bake target writes `.` as `_` and must not collide."""

ArchName = Annotated[
    str,
    Format(
        pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$", longest=32, expected="a name like sm_120 or gfx1100",
    ),
]  # fmt: skip
"""As the vendor writes it: `sm_120`, `gfx1100`, `bmg-g21`. Cell names leave the `_` out."""

ArchCode = Annotated[
    str,
    Format(
        pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*(?::[a-z]+[+-])*$",
        longest=64,
        expected="code as a compiler names it, like sm_120a or gfx90a:xnack-",
    ),
]
Platform = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9]+/[a-z0-9]+(?:/v[0-9]+)?$",
        longest=32,
        expected="a platform like linux/amd64 or linux/arm64",
    ),
]
CMakeOption = Annotated[str, Format(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", expected="letters, digits and '_'")]
CMakeTarget = Annotated[
    str,
    Format(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$", expected="the name of a CMake target, like my-server"),
]
EnvName = CMakeOption
PciId = Annotated[
    str, Format(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$", expected="a PCI id like 10de:2b85 (lspci -n)"),
]  # fmt: skip
"""Vendor and device, as `lspci -n` prints them."""
Accelerator = Annotated[AcceleratorName, Field(strict=False)]
"""Strict mode would refuse the plain text that YAML gives."""

# ---------------------------------------------------------------------------------------------- versions, hashes

_NUMBER = "[0-9]{1,9}"
ToolkitVersion = Annotated[
    str, Format(pattern=rf"^{_NUMBER}(?:\.{_NUMBER}){{0,5}}$", expected="a version like 12.9.1"),
]  # fmt: skip
DriverVersion = Annotated[
    str, Format(pattern=rf"^{_NUMBER}(?:\.{_NUMBER}){{0,2}}$", expected="a driver's version like 575.57.08"),
]  # fmt: skip
"""As the kernel module says it."""
MajorVersion = Annotated[str, Format(pattern=r"^[0-9]{1,4}$", expected="a whole number in quotes")]
Sha256 = Annotated[str, Format(pattern=r"^[0-9a-f]{64}$", expected="64 hexadecimal digits (sha256sum FILE)")]
Digest = Annotated[
    str, Format(pattern=r"^sha256:[0-9a-f]{64}$", expected="sha256: and 64 hexadecimal digits"),
]  # fmt: skip
CommitHash = Annotated[
    str,
    Format(
        pattern=r"^[0-9a-f]{40}$",
        expected="the full hash of a commit, 40 hexadecimal digits (git rev-parse REVISION)",
    ),
]
GitRevision = Annotated[
    str,
    Format(
        pattern=r"^(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]*$",
        expected="a branch, a tag or a commit, like main or v1.2",
    ),
]

# ---------------------------------------------------------------------------------------------- packages, images


def _exact(text: str) -> None:
    name, _, version = text.partition("==")
    Version(version)
    _requirement(name)


def _requirement(text: str) -> None:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(str(error)) from None


DebianPackage = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:=[A-Za-z0-9.+:~-]+)?$",
        expected="a Debian package: NAME or NAME=VERSION",
    ),
]
ExactRequirement = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+$",
        check=_exact,
        expected="a distribution with its exact version: NAME==VERSION",
    ),
]
"""Of PEP 508, what names one release."""
NpmRequirement = Annotated[
    str,
    Format(
        pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*@[0-9][A-Za-z0-9.+-]*$",
        expected="an npm package with its exact version: NAME@VERSION or @SCOPE/NAME@VERSION",
    ),
]
ImageReference = Annotated[
    str,
    Format(
        pattern=r"^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
        r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*"
        r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$",
        expected="an image reference like docker.io/library/debian:trixie-slim",
    ),
]
"""The grammar of github.com/distribution/reference."""
HubRepository = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?$",
        expected="a repository like OWNER/gemma-3-4b-it-GGUF",
    ),
]

# ---------------------------------------------------------------------------------------------- addresses

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
Link = Annotated[
    str,
    Format(
        pattern=rf"^https?://{_HOST}(?:[/?#][A-Za-z0-9._~:/?#@!&()*+,;=%-]*)?$",
        longest=2000,
        expected="an address that begins with https:// or http://, without password and blanks",
    ),
]
"""A password would end in logs, in the lockfile and in bake files."""
GitAddress = Annotated[
    str,
    Format(
        pattern=rf"^(?:(?:https?|ssh)://(?:[A-Za-z0-9._]+@)?{_HOST}/|file:///|[A-Za-z0-9._]+@[A-Za-z0-9.-]+:(?!-))"
        r"[A-Za-z0-9._~/@+%-]+$",
        longest=2000,
        expected="a git repository like https://github.com/OWNER/NAME.git, without a password",
    ),
]
"""Only http(s) can be a build context; the others bring a tree to be read."""
UrlPath = Annotated[
    str,
    Format(
        pattern=r"^/(?!/)[A-Za-z0-9._~:/?@!&+,;=%-]*$",
        expected="a path that begins with /, like /health",
    ),
]

# ---------------------------------------------------------------------------------------------- paths

_NO_DOTS = r"(?!\.{1,2}(?:/|$))"
_PART = rf"{_NO_DOTS}[A-Za-z0-9._+@-]+"

FileName = Annotated[
    str, Format(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", longest=200, expected="a file's name, without folders"),
]  # fmt: skip
PathInside = Annotated[
    str,
    Format(
        pattern=rf"^(?![-~]){_NO_DOTS}[^/\\:]+(?:/{_NO_DOTS}[^/\\:]+)*$",
        longest=1000,
        expected="a path below its top, like vendor/name: no '..', not absolute",
    ),
]
"""Of a file in an archive or a repository."""
FolderInImage = Annotated[
    str,
    Format(
        pattern=rf"^(?:\.|(?!-){_PART}(?:/{_PART})*)$",
        expected="a folder beside the plugin, like rocblas/library or '.': no '..', no blanks, not absolute",
    ),
]
PathInImage = Annotated[
    str,
    Format(
        pattern=rf"^(?:/{_PART})+$",
        expected="a path that begins with /, like /usr/local/cuda: no '..' and no blanks",
    ),
]
FilesInImage = Annotated[
    str,
    Format(
        pattern=rf"^(?:/{_NO_DOTS}(?:[A-Za-z0-9._+@*?-]|\{{arch\}})+)+$",
        expected="a path that begins with /, in which *, ? and {arch} may stand, like /opt/rocm/lib/*{arch}*",
    ),
]
PathOnThisMachine = Annotated[
    str,
    Format(
        pattern=r"^(?!-)(?:~/)?[^~:,\"'`$\\{}][^:,\"'`$\\{}]*$",
        longest=1000,
        expected="a path like ../source, /models/name.gguf or ~/models/name.gguf, "
        "without ~USER, variables, quotes, ':' and ','",
    ),
]
"""Read and never written. The user may read it, so the file may name it: see docs/trust.md."""

# ---------------------------------------------------------------------------------------------- numbers

_UNITS = "(?:B|KiB|MiB|GiB|kB|MB|GB)"
Size = Annotated[
    str,
    Format(
        pattern=rf"^[0-9]{{1,12}}(?:\.[0-9]{{1,6}})? ?{_UNITS}$",
        expected="a number and B, kB, MB, GB, KiB, MiB or GiB, like 260 MiB",
    ),
]
Bandwidth = Annotated[
    str, Format(pattern=r"^[0-9]{1,7} GB/s$", expected="a number and GB/s, like 1792 GB/s"),
]  # fmt: skip
Arithmetic = Annotated[
    str,
    Format(pattern=r"^[0-9]{1,6}(?:\.[0-9]{1,3})? TFLOP/s$", expected="a number and TFLOP/s, like 989 TFLOP/s"),
]
UserAndGroup = Annotated[
    str,
    Format(
        pattern=r"^[1-9][0-9]{0,8}:[1-9][0-9]{0,8}$",
        expected="UID:GID in numbers, neither of them 0 (root), like 65532:65532",
    ),
]

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
"""At most a day."""
Rate = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
"""Of something a second."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Tokens = Annotated[int, Field(gt=1, le=100_000_000)]
Bytes = Annotated[int, Field(gt=0, le=1 << 50)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _after_1970(value: Any) -> Any:
    year = getattr(value, "year", 2000)
    if not 1970 <= year < 2200:  # noqa: PLR2004 - what a file system and SOURCE_DATE_EPOCH can hold
        raise PydanticCustomError("moment", "must be a moment between 1970 and 2199")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_after_1970)]
"""With its time zone: without one, it would be another moment on each machine."""


def _whole(value: Any) -> Any:
    """`true` and `1.0` are equal to 1 for Python."""
    if type(value) is not int:
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


FileVersion = Annotated[Literal[1], BeforeValidator(_whole)]
"""Of the file's own format."""
Unit = Annotated[str, Field(pattern=r"^(seconds|bytes|ratio|joules/[a-z]+([ -][a-z]+)*|[a-z]+([ -][a-z]+)*/s)$")]
"""Of what is measured: a rate's is `tokens/s`, `requests/s`, or what a recipe calls its work, like `embeddings/s`."""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
