"""The kinds of text that people write, and the strictness of every file.

An unknown key is an error, and a version is a string, so that `12.10` never becomes `12.1`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bakehouse.model.enums import AcceleratorName

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$", max_length=64)]
"""Lower case, digits, `-` and `.`; no `_`, because a bake target writes `.` as `_` and must not collide."""

ArchName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$", max_length=32)]
"""As the vendor writes it: `sm_120`, `gfx1100`, `bmg-g21`. Cell names leave the `_` out."""

ToolkitVersion = Annotated[str, StringConstraints(pattern=r"^[0-9]+(?:\.[0-9]+)*$")]
DriverVersion = Annotated[str, StringConstraints(pattern=r"^[0-9]+(?:\.[0-9]+){0,2}$")]
"""As the kernel module says it: `575.57.08`."""

Link = Annotated[str, StringConstraints(pattern=r"^https?://")]
PciId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]
"""Vendor and device, as `lspci -n` prints them: `10de:2b85`."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Platform = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9]+(?:/v[0-9]+)?$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Size = Annotated[str, StringConstraints(pattern=r"^[0-9]+(?:\.[0-9]+)?\s?(?:B|KiB|MiB|GiB|kB|MB|GB)$")]
DebianPackage = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?(?:=[A-Za-z0-9.+:~-]+)?$")
]
CMakeOption = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
EnvName = CMakeOption
Accelerator = Annotated[AcceleratorName, Field(strict=False)]
"""Strict mode would refuse the plain text that YAML gives."""
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]*$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)
