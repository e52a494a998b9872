"""Programs that judge what we render: from the PATH, or out of Debian's packages, which are unpacked and not installed.

Their binaries of Debian forky need libc 2.34 alone, so they run on any newer system.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bakehouse.engine.embedded.apt import Machine
from bakehouse.engine.embedded.packages import unpacked
from bakehouse.errors import InfrastructureError
from bakehouse.system import process

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bakehouse" / "test-tools"
"""Of the user who runs the tests, whatever home they are given later."""
_SUITE = "forky"
_ENVIRONMENT = dict(os.environ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    package: str
    path: str
    """Below the unpacked package."""
    usual: tuple[str, ...] = ()
    """Where distributions have it."""


TOOLS: Mapping[str, Tool] = {
    "docker-compose": Tool(
        package="docker-compose",
        path="usr/libexec/docker/cli-plugins/docker-compose",
        usual=(
            "/usr/libexec/docker/cli-plugins/docker-compose",
            "/usr/local/lib/docker/cli-plugins/docker-compose",
            "/usr/lib/docker/cli-plugins/docker-compose",
        ),
    ),
    "quadlet": Tool(package="podman", path="usr/libexec/podman/quadlet", usual=("/usr/libexec/podman/quadlet",)),
    "promtool": Tool(package="promtool", path="usr/bin/promtool"),
    "kustomize": Tool(package="kustomize", path="usr/bin/kustomize"),
}


@functools.cache
def find(name: str) -> Path | str:
    """The program, or why there is none."""
    tool = TOOLS[name]
    known = [Path(one) for one in tool.usual]
    if name != "docker-compose" and (found := process.find(name)):  # version 1 has the same name
        known.append(found)
    if there := next((path for path in known if path.is_file()), None):
        return there
    try:
        return _unpacked(tool)
    except (InfrastructureError, OSError) as error:
        return f"{name} is not installed, and Debian's package could not be had: {str(error).splitlines()[0]}"


def tool(name: str) -> str:
    """The program's path; the test is skipped where there is none."""
    found = find(name)
    if isinstance(found, str):
        pytest.skip(found)
    return str(found)


def _unpacked(tool: Tool) -> Path:
    machine = Machine.this(cache=FOLDER, say=lambda _: None, environ=_ENVIRONMENT)
    return unpacked(tool.package, machine=machine, suite=_SUITE) / tool.path
