"""One Dockerfile a cell, from the recipe's template in `dockerfiles/`.

A template lays out stages; every version, option and package in it comes from the cell. Two cells that need the
same stage render it with the same text, so BuildKit does its work once.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import assert_never

import jinja2

from bakehouse.accelerators import ACCELERATORS
from bakehouse.config.layout import TEMPLATES, ProjectLayout
from bakehouse.errors import InputError, Where
from bakehouse.model.build import CMakeBuild, ImageBuild, WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.places import DebootstrapPlace, DockerfilePlace
from bakehouse.planning.installed import lock_of
from bakehouse.planning.render.bake_file import shared_context
from bakehouse.planning.render.labels import labels
from bakehouse.planning.render.toolchain import toolchain_of
from bakehouse.servers import SERVERS

CROSS_DEBIAN = "bases/debian-cross.Dockerfile.j2"
"""Makes a Debian base for another platform, where the matrix has it made from a Debian mirror."""


class Renderer:
    """Renders the templates of a project, and those that ship; each is compiled once."""

    def __init__(self, root: Path) -> None:
        self._layout = ProjectLayout(root=root)
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self._layout.places(TEMPLATES)),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - the output is a Dockerfile
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters |= {"shell": shlex.quote, "docker": quote}

    def render(self, cell: Cell, world: World) -> str:
        """Raises InputError naming the template and its line for a missing file, a bad template or an unknown name."""
        stages = self._made_bases(cell.bases, world, cell) + self._cross_base(cell, world)
        names = context(cell, world) | {"made_bases": stages}
        asker = f"recipes/{cell.at.recipe}/recipe.yaml"
        return self._render(cell.recipe.template, names, about=cell.name, asker=asker)

    def _made_bases(self, bases: Sequence[str], world: World, cell: Cell) -> list[str]:
        """Stages that make the bases for which the matrix names a template, each after what it stands on.

        A context of the same name takes a stage's place: where a registry has the base, nothing of this is built.
        """
        stages: list[str] = []
        for base in bases:
            for place in world.matrix.bases[base].places:
                if isinstance(place, DockerfilePlace):
                    options = place.dockerfile
                    names = {
                        "base": base,
                        "on": options.on,
                        "packages": options.packages,
                        "wheels": options.wheels,
                        "toolchain": toolchain_of(cell.at.platform),
                    }
                    stages += self._made_bases([options.on], world, cell)
                    stages.append(self._render(options.template, names, about=base, asker="matrix.yaml"))
                    break
        return list(dict.fromkeys(stages))

    def _cross_base(self, cell: Cell, world: World) -> list[str]:
        """The stage that makes the runtime's base for a platform that this machine may not be able to run."""
        for place in world.matrix.bases[cell.runtime_base].places if cell.cross else ():
            if isinstance(place, DebootstrapPlace):
                names = {
                    "base": cell.runtime_stage,
                    "on": cell.runtime_base,
                    "options": place.debootstrap,
                    "toolchain": toolchain_of(cell.at.platform),
                }
                return [self._render(CROSS_DEBIAN, names, about=cell.runtime_base, asker="matrix.yaml")]
        return []

    def _render(self, name: str, names: Mapping[str, object], *, about: str, asker: str) -> str:
        try:
            return self._environment.get_template(name).render(names)
        except jinja2.TemplateNotFound as error:
            asked = f"{asker if error.name == name else self._label(name)} asks for it."
            hint = f"{asked} {self._layout.looked(f'{TEMPLATES}/{error.name}')}"
            where = Where(file=f"{TEMPLATES}/{error.name}")
            raise InputError("the template does not exist", hint=hint, where=where) from None
        except jinja2.TemplateSyntaxError as error:
            where = Where(file=self._label(error.name or name), line=error.lineno)
            raise InputError(f"not a template: {error.message}", where=where) from None
        except jinja2.UndefinedError as error:
            where = Where(file=self._label(name), line=_template_line(error, name))
            hint = "docs/recipes.md lists the names that a template may use."
            raise InputError(f"{about}: {_undefined(error)}", hint=hint, where=where) from None

    def _label(self, name: str) -> str:
        """What messages call a template, by where it is."""
        path = self._layout.find(f"{TEMPLATES}/{name}")
        return self._layout.label(path) if path else f"{TEMPLATES}/{name}"


def context(cell: Cell, world: World) -> dict[str, object]:
    """The names that a template may use. docs/recipes.md explains each."""
    port = cell.recipe.start.port or SERVERS[cell.recipe.server].port
    return {
        "cell": cell,
        "recipe": cell.recipe,
        "flag_set": cell.flag_set,
        "toolchain": toolchain_of(cell.at.platform),
        "driver_libraries": sorted(ACCELERATORS[cell.at.accelerator].driver_libraries()),
        "runtime_packages": cell.runtime_packages,
        "env": cell.env,
        "port_variable": port.environment or "",
        "port_argument": port.argument or "",
        "labels": labels(cell, world),
        **_of_kind(cell, world),
    }


def _of_kind(cell: Cell, world: World) -> dict[str, object]:
    build = cell.recipe.build
    match build:
        case CMakeBuild():
            return {
                "source": world.matrix.sources[build.source],
                "cpu_plugins": tuple(f"ggml-cpu-{variant}" for variant in cell.cpu_variants),
                "plugins": cell.plugins,
                "backend": cell.backend,
                "backend_cmake": _backend_cmake(cell),
                "backend_env": _backend_env(cell),
                "backend_packages": _backend_packages(cell, build),
            }
        case WheelsBuild():
            wheels = build.backends.get(cell.at.accelerator)
            return {
                "requirements": lock_of(cell),
                "loads": wheels.loads if wheels else (),
                "shared_contexts": tuple(shared_context(name) for name in build.shares),
            }
        case ImageBuild():
            return {}
        case _:
            assert_never(build)


def _backend_packages(cell: Cell, build: CMakeBuild) -> tuple[str, ...]:
    """Debian packages of the stage that compiles the backend. A cross-compiled one takes the recipe's programs only: a
    vendor's base may know no libraries of another platform.
    """
    tools, backend, gcc = build.packages, cell.backend, cell.toolkit.gcc if cell.toolkit else None
    toolchain = toolchain_of(cell.at.platform)
    if cell.cross:
        tools = tuple(name for name in tools if not name.startswith("lib"))
    compiler = (f"g++-{gcc}-{toolchain.triplet}" if cell.cross else f"g++-{gcc}",) if gcc else ()
    return (*tools, "patchelf", *(backend.build_packages if backend else ()), *toolchain.packages, *compiler)


def _backend_env(cell: Cell) -> dict[str, str]:
    """Environment of the backend's configure step and build."""
    env = cell.toolkit.env if cell.toolkit else {}
    return env | cell.backend.cross.env if cell.cross and cell.backend else env


def _backend_cmake(cell: Cell) -> dict[str, str]:
    """Options of the backend's configure step: the recipe's, the toolkit's, the archs, and the flag set's."""
    if cell.backend is None:
        return {}
    options = cell.backend.cmake | (cell.toolkit.cmake if cell.toolkit else {})
    if cell.cross:
        options |= cell.backend.cross.cmake
    archs = ACCELERATORS[cell.at.accelerator].arch_list(cell.codes, cell.ptx)
    if cell.backend.archs_option and archs:
        options |= {cell.backend.archs_option: archs}
    return options | ({} if cell.flag_set.plugins else cell.flag_set.cmake)


def quote(value: str) -> str:
    """A word for ENV and LABEL: double quotes, with what Docker would interpret escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _undefined(error: jinja2.UndefinedError) -> str:
    """Jinja names an attribute's owner by its class: `'bakehouse.model.cell.Cell object' has no attribute 'nmae'`."""
    found = re.fullmatch(r"'[\w.]*?(\w+) object' has no attribute '(\w+)'", error.message or "")
    return f"a {found[1].lower()} has no {found[2]!r}" if found else f"{error.message}"


def _template_line(error: jinja2.UndefinedError, name: str) -> int | None:
    """The line of the innermost frame that is a template."""
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
