"""`lint`: options, arguments and variables of the project or of a Dockerfile, checked against the pinned source."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bakehouse.commands.lint_packages import look_for_packages, refuse
from bakehouse.commands.lint_project import by_linter, findings_of, kept_options, revision_of, sources_of
from bakehouse.commands.lint_text import looked_at, show
from bakehouse.config.layout import MATRIX_FILE
from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.engine.connection import Engine
from bakehouse.errors import ExitCode, InputError, Where
from bakehouse.lint.examined import Examined, Looked, Read
from bakehouse.lint.finding import Severity, in_order
from bakehouse.lint.linter import Linter
from bakehouse.lint.options import SourceOptions, options_file, save_options
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.servers.linters import LINTERS
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.registry import EngineRegistries
from bakehouse.supply.trees import tree_of

STDIN = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    files: tuple[Path, ...] = ()
    """Files to read; without any, the project."""
    cmake: tuple[str, ...] = ()
    """Command lines of CMake."""
    server: tuple[str, ...] = ()
    """Command lines of a server."""
    as_json: bool = False
    update: bool = False
    """Read the pinned source trees anew."""
    compare_help: str | None = None
    """A file with what a server printed with `--help`, or `-`."""

    @property
    def names_something(self) -> bool:
        """Whether files or command lines are looked at, and not the project."""
        return bool(self.files or self.cmake or self.server)


def lint(context: Context, options: Options, *, out: Console) -> ExitCode:
    """1 where something is an error. Raises InputError for files that cannot be read."""
    project, resolution = open_project(context.root)
    if options.update:
        update(context, project)
    if options.compare_help is not None:
        return _compare_help(project, options.compare_help, out)
    examined = _examined(project, options)
    findings = [finding for _, one in examined for finding in one.findings]
    if not options.names_something:
        findings = list(in_order([*findings, *look_for_packages(context, project, resolution.cells)]))
    if options.as_json:
        out.print(
            json.dumps([one.as_data() for one in findings], indent=2), soft_wrap=True, markup=False, highlight=False
        )
    else:
        show(findings, out, looked=looked_at(examined))
    return ExitCode.CELL_FAILED if any(one.severity is Severity.ERROR for one in findings) else ExitCode.OK


def refuse_errors(project: Project, recipes: Iterable[str]) -> None:
    """Raise InputErrors for options that would do nothing or break the build, before anything is built.

    Silent where the pinned revision's own options are not known: then nothing is certain.
    """
    if any(kept is None or kept.revision != revision_of(project, name) for name, kept in kept_options(project).items()):
        return
    refuse(findings_of(project, recipes))


def update(context: Context, project: Project) -> None:
    """Read the source trees that recipes are built from, and keep their options beside the lockfile."""
    for linter, names in by_linter(project):
        for name in sources_of(project, names):
            source = project.world.matrix.sources[name]
            folder = tree_of(name, source, context=supply_context(context))
            if not linter.can_read(folder):
                context.say(f"{name} is no tree of {linter.title}: the lint knows nothing of its options")
                continue
            changed = save_options(context.root, name, linter.read_tree(folder, revision=source.revision))
            file = options_file(name)
            context.say(f"wrote {file}" if changed else f"{file} has not changed")


def supply_context(context: Context) -> SupplyContext:
    """What asks the places of sources."""
    # Nobody asks a registry for a source tree, so that no engine has to run.
    engine = Engine(kind="external", host=None, version="", buildx="", containerd_store=False)
    return SupplyContext(
        cache=context.cache.resolve(),
        root=context.root.resolve(),
        environ=context.environ,
        machine=platform.machine(),
        lock=read_lock(context.root),
        registries=EngineRegistries(engine=engine, environ=context.environ),
        say=context.say,
    )


# ---------------------------------------------------------------------------------------------- files and --help


def _examined(project: Project, options: Options) -> list[tuple[str, Examined]]:
    """What is named, else the project; and what it was held against."""
    if not options.names_something:
        kept = kept_options(project)
        examined = []
        for linter, names in by_linter(project):
            held = _held_against(linter, [kept[name] for name in sources_of(project, names)])
            examined.append((held, linter.examine_project(project, kept, recipes=names)))
        return [*examined, *_unknown(project)]
    linter, at_hand = _at_hand(project)
    files, held = linter.of_files(project, at_hand), _held_against(linter, [at_hand])
    found = [
        *(files.check_file(_read(path), file=str(path), read=_beside(path)) for path in options.files),
        *(files.check_cmake_line(line) for line in options.cmake),
        *(files.check_server_line(line) for line in options.server),
    ]
    return [(held, one) for one in found]


def _held_against(linter: Linter, kept: Sequence[SourceOptions | None]) -> str:
    """The source and its revision: `NAME 0c1e57098`"""
    revision = next((one.revision for one in kept if one), "")
    return f"{linter.title} {revision[:9]}"


def _unknown(project: Project) -> list[tuple[str, Examined]]:
    """Recipes of families without a linter, which are not looked at."""
    others = {name: recipe for name, recipe in project.world.recipes.items() if recipe.server not in LINTERS}
    missed = [
        f"recipe {name}, of whose server ({recipe.server}) no options are known"
        for name, recipe in others.items()
        if recipe.cmake
    ]
    if plain := [name for name, recipe in others.items() if not recipe.cmake]:
        missed.append(f"recipes of which nothing is compiled: {', '.join(plain)}")
    looked = Looked(not_at=tuple(missed))
    return [("", Examined(file=MATRIX_FILE, findings=(), looked=looked, kind="with its recipes"))] if missed else []


def _beside(path: Path) -> Read:
    """Reads what a file names, relative to it."""

    def read(name: str) -> str | None:
        try:
            return (path.parent / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    return read


def _at_hand(project: Project) -> tuple[Linter, SourceOptions]:
    """The first source whose options were kept, and the linter of its server."""
    kept = kept_options(project)
    for linter, names in by_linter(project):
        for source in sources_of(project, names):
            if options := kept[source]:
                return linter, options
    raise InputError("no options of any source are known", hint="`bakehouse lint --update` reads them.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InputError(f"cannot read the file: {reason}", where=Where(file=str(path))) from None


def _compare_help(project: Project, file: str, out: Console) -> ExitCode:
    """Whether an image's server takes exactly the arguments that its source has."""
    text = sys.stdin.read() if file == STDIN else _read(Path(file))
    linter, at_hand = _at_hand(project)
    found = linter.differences(at_hand.arguments, text)
    for line in found:
        out.print(line, markup=False, highlight=False)
    if not found:
        out.print("--help and the source agree", highlight=False)
    return ExitCode.CELL_FAILED if found else ExitCode.OK
