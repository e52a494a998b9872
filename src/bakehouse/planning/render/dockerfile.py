"""One Dockerfile a cell, from the recipe's template in `dockerfiles/`.

A template lays out stages; every version, option and package in it comes from the cell. Two cells that need the
same stage render it with the same text, so BuildKit does its work once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import assert_never

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.config.layout import TEMPLATES, ProjectLayout
from bakehouse.errors import InputError, Where
from bakehouse.model.build import CMakeBuild, ImageBuild, WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.places import DebootstrapPlace, DockerfilePlace
from bakehouse.planning.installed import lock_of
from bakehouse.planning.plugins import plugin_targets, variant_targets
from bakehouse.planning.render import escape
from bakehouse.planning.render.bake_file import shared_context
from bakehouse.planning.render.labels import labels
from bakehouse.planning.render.stage_names import require_own_names
from bakehouse.planning.render.toolchain import toolchain_of
from bakehouse.servers import SERVERS

CROSS_DEBIAN = "bases/debian-cross.Dockerfile.j2"
"""Makes a Debian base for another platform, where the matrix has it made from a Debian mirror."""


CODE_ERRORS: tuple[type[Exception], ...] = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the code of a template can raise."""


class _ProjectLoader(jinja2.FileSystemLoader):
    """Templates of the project and those that ship, and none that a link brings from elsewhere: what it holds would be
    printed.
    """

    def __init__(self, layout: ProjectLayout) -> None:
        super().__init__(layout.places(TEMPLATES))
        self._layout = layout

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            text, file, is_fresh = super().get_source(environment, template)
        except UnicodeDecodeError:
            where = Where(file=f"{TEMPLATES}/{template}")
            raise InputError("the template is not text in UTF-8", where=where) from None
        folders = [folder.resolve() for folder in self._layout.places(TEMPLATES)]
        if not any(Path(file).resolve().is_relative_to(folder) for folder in folders):
            where = Where(file=self._layout.label(Path(file)))
            raise InputError("the template is a link that leads out of its folder", where=where)
        return text, file, is_fresh


class Renderer:
    """Renders the templates of a project, and those that ship; each is compiled once."""

    def __init__(self, root: Path) -> None:
        self._layout = ProjectLayout(root=root)
        self._environment = ImmutableSandboxedEnvironment(
            loader=_ProjectLoader(self._layout),
            undefined=jinja2.StrictUndefined,
            autoescape=True,  # so that jinja tells text of a template from values; what escapes them is `plain`
            finalize=escape.plain,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters |= escape.FILTERS

    def render(self, cell: Cell, world: World) -> str:
        """Raises InputError naming the template and its line for a missing file, a bad template or an unknown name."""
        stages = self._made_bases(cell.bases, world, cell) + self._cross_base(cell, world)
        names = context(cell, world) | {"made_bases": stages}
        asker = f"recipes/{cell.at.recipe}/recipe.yaml"
        text = self._render(cell.recipe.template, names, about=cell.name, asker=asker)
        require_own_names(text, stages, cell)
        return text

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
        """The text, marked as a template's own."""
        try:
            return Markup(self._environment.get_template(name).render(names))  # noqa: S704 - every value was escaped
        except jinja2.TemplateNotFound as error:
            asked = f"{asker if error.name == name else self._label(name)} asks for it."
            hint = f"{asked} {self._layout.looked(f'{TEMPLATES}/{error.name}')}"
            where = Where(file=f"{TEMPLATES}/{error.name}")
            raise InputError("the template does not exist", hint=hint, where=where) from None
        except jinja2.TemplateSyntaxError as error:
            where = Where(file=self._label(error.name or name), line=error.lineno)
            raise InputError(f"not a template: {error.message}", where=where) from None
        except jinja2.UndefinedError as error:
            hint = "docs/recipes.md lists the names that a template may use."
            raise InputError(f"{about}: {_undefined(error)}", hint=hint, where=self._place(error, name)) from None
        except escape.UnsafeValueError as error:
            where = self._place(error, name)
            raise InputError(f"{about}: {error.message}", hint=error.hint, where=where) from None
        except CODE_ERRORS as error:
            what = f"{type(error).__name__}: {error}"
            raise InputError(f"{about}: {what}", where=self._place(error, name)) from None

    def _place(self, error: Exception, name: str) -> Where:
        """The innermost line of a template that an error went through."""
        where, trace = Where(file=self._label(name)), error.__traceback__
        while trace:
            file = Path(trace.tb_frame.f_code.co_filename)
            if any(file.is_relative_to(folder) for folder in self._layout.places(TEMPLATES)):
                where = Where(file=self._layout.label(file), line=trace.tb_lineno)
            trace = trace.tb_next
        return where

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
                "cpu_plugins": variant_targets(cell),
                "plugins": plugin_targets(cell),
                "backend": cell.backend,
                "backend_cmake": _backend_cmake(cell),
                "backend_env": _backend_env(cell),
                "backend_packages": _backend_packages(cell, build),
            }
        case WheelsBuild():
            wheels = build.backends.get(cell.at.accelerator)
            return {
                "python": build.python_for(cell.at.accelerator),
                "requirements": lock_of(cell),
                "loads": wheels.loads if wheels else (),
                "leave_out": build.leave_out + (wheels.leave_out if wheels else ()),
                "leave_out_of_packages": wheels.leave_out_of_packages if wheels else (),
                "indexes": wheels.indexes if wheels else (),
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


def _undefined(error: jinja2.UndefinedError) -> str:
    """Jinja names an attribute's owner by its class: `'bakehouse.model.cell.Cell object' has no attribute 'nmae'`."""
    found = re.fullmatch(r"'[\w.]*?(\w+) object' has no attribute '(\w+)'", error.message or "")
    return f"a {found[1].lower()} has no {found[2]!r}" if found else f"{error.message}"
