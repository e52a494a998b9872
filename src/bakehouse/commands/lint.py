"""`lint`: options, arguments and variables of the project or of a Dockerfile, held against the pinned source."""

from __future__ import annotations

import json
import platform
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bakehouse.commands.lint_packages import look_for_packages, refuse
from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.engine.connection import Engine
from bakehouse.errors import ExitCode, InputError, Where
from bakehouse.lint.compose_file import Read
from bakehouse.lint.examined import Examined
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.lint.options import SourceOptions, load_options, options_file, save_options
from bakehouse.model.places import PyPIPlace
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand
from bakehouse.servers.llama_cpp.lint.help_text import differences
from bakehouse.servers.llama_cpp.lint.inputs import check_cmake_line, check_input, check_server_line
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge
from bakehouse.servers.llama_cpp.lint.project import check_project, examine_project
from bakehouse.servers.llama_cpp.lint.source_tree import can_read, read_tree
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.registry import Registries
from bakehouse.supply.trees import tree_of

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
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
    """A file with what `llama-server --help` printed, or `-`."""

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
    findings = [finding for one in examined for finding in one.findings]
    if not options.names_something:
        findings = list(in_order([*findings, *look_for_packages(context, project, resolution.cells)]))
    if options.as_json:
        out.print(
            json.dumps([one.as_data() for one in findings], indent=2), soft_wrap=True, markup=False, highlight=False
        )
    else:
        show(findings, out, looked=_looked(examined, project))
    return ExitCode.CELL_FAILED if any(one.severity is Severity.ERROR for one in findings) else ExitCode.OK


# ---------------------------------------------------------------------------------------------- for other commands


def findings_of(project: Project, recipes: Iterable[str] | None = None) -> tuple[Finding, ...]:
    """What is to be said about the project, or about some of its recipes."""
    return check_project(project, kept_options(project), load_knowledge(), recipes=recipes)


def mention_findings(context: Context, project: Project) -> None:
    """One line, where there is something worth it."""
    counts: Counter[Severity] = Counter(one.severity for one in findings_of(project))
    del counts[Severity.NOTE]
    if counts:
        context.say(f"lint: {_total(counts)}; `bakehouse lint` shows them")


def refuse_errors(project: Project, recipes: Iterable[str]) -> None:
    """Raise InputErrors for options that would do nothing or break the build, before anything is built.

    Silent where the pinned revision's own options are not known: then nothing is certain.
    """
    if any(kept is None or kept.revision != _revision(project, name) for name, kept in kept_options(project).items()):
        return
    refuse(findings_of(project, recipes))


def update(context: Context, project: Project) -> None:
    """Read the source trees that recipes are built from, and keep their options beside the lockfile."""
    for name in kept_options(project):
        source = project.world.matrix.sources[name]
        folder = tree_of(name, source, context=_supply_context(context))
        if not can_read(folder):
            context.say(f"{name} is no tree of llama.cpp: the lint knows nothing of its options")
            continue
        changed = save_options(context.root, name, read_tree(folder, revision=source.revision))
        file = options_file(name)
        context.say(f"wrote {file}" if changed else f"{file} has not changed")


def kept_options(project: Project) -> dict[str, SourceOptions | None]:
    """By source of a recipe."""
    names = dict.fromkeys(recipe.cmake.source for recipe in project.world.recipes.values() if recipe.cmake)
    return {name: load_options(project.root, name) for name in names}


def _revision(project: Project, source: str) -> str:
    return project.world.matrix.sources[source].revision


def _supply_context(context: Context) -> SupplyContext:
    # Nobody asks a registry for a source tree, so that no engine has to run.
    engine = Engine(kind="external", host=None, version="", buildx="", containerd_store=False)
    return SupplyContext(
        cache=context.cache.resolve(),
        root=context.root.resolve(),
        environ=context.environ,
        machine=platform.machine(),
        lock=read_lock(context.root),
        registries=Registries(engine=engine, environ=context.environ),
        say=context.say,
    )


# ---------------------------------------------------------------------------------------------- files and --help


def _examined(project: Project, options: Options) -> list[Examined]:
    """What is named, else the project."""
    if not options.names_something:
        return [examine_project(project, kept_options(project), load_knowledge())]
    basis = _basis(project)
    return [
        *(check_input(_read(path), file=str(path), basis=basis, read=_beside(path)) for path in options.files),
        *(check_cmake_line(line, basis) for line in options.cmake),
        *(check_server_line(line, basis) for line in options.server),
    ]


def _beside(path: Path) -> Read:
    """Reads what a file names, relative to it."""

    def read(name: str) -> str | None:
        try:
            return (path.parent / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    return read


def _basis(project: Project) -> Basis:
    options = _options_at_hand(project)
    return Basis(
        options=options,
        knowledge=load_knowledge(),
        matrix=project.world.matrix,
        at_hand=_at_hand(project, options),
    )


def _at_hand(project: Project, options: SourceOptions) -> AtHand:
    """By the source that has the revision; its package is the one that the source's places name."""
    for source in project.world.matrix.sources.values():
        if source.revision == options.revision:
            packages = (place.pypi.requirement for place in source.places if isinstance(place, PyPIPlace))
            package = next((name.partition("==")[2] for name in packages), None)
            return AtHand(commit=source.revision, build=source.build_number, package=package)
    return AtHand(commit=options.revision)


def _options_at_hand(project: Project) -> SourceOptions:
    """Of the first source that has any."""
    kept = [one for one in kept_options(project).values() if one]
    if not kept:
        raise InputError("no options of any source are known", hint="`bakehouse lint --update` reads them.")
    return kept[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InputError(f"cannot read the file: {reason}", where=Where(file=str(path))) from None


def _compare_help(project: Project, file: str, out: Console) -> ExitCode:
    """Whether an image's server takes exactly the arguments that its source has."""
    text = sys.stdin.read() if file == STDIN else _read(Path(file))
    found = differences(_options_at_hand(project).arguments, text)
    for line in found:
        out.print(line, markup=False, highlight=False)
    if not found:
        out.print("--help and the source agree", highlight=False)
    return ExitCode.CELL_FAILED if found else ExitCode.OK


# ---------------------------------------------------------------------------------------------- for people


def show(findings: Sequence[Finding], out: Console, *, looked: Sequence[Text] = ()) -> None:
    """The findings of each file, then what was looked at and what was not, then how many there are."""
    for file, group in groupby(findings, key=lambda one: one.where.file):
        out.print(Text(file, style="bold"), soft_wrap=True)
        for one in group:
            for line in _lines(one, out):
                out.print(line, soft_wrap=True)
        out.print()
    for words in looked:
        out.print(words, soft_wrap=True)
    counts = Counter(one.severity for one in findings)
    out.print(Text(_total(counts) if counts else "no findings", style="bold"))


def _looked(examined: Sequence[Examined], project: Project) -> list[Text]:
    revision = next((kept.revision for kept in kept_options(project).values() if kept), "")
    lines: list[Text] = []
    for one in examined:
        counts = (
            (one.looked.options, "CMake option"),
            (one.looked.arguments, "word of a server's command line"),
            (one.looked.variables, "variable"),
        )
        parts = ", ".join(_number(number, what) for number, what in counts if number)
        name = f"{one.file} ({one.kind})"
        if parts:
            lines.append(Text(f"{name}: {parts}, held against llama.cpp {revision[:9]}", style="dim"))
        else:
            words = "no option, argument or variable of llama.cpp was found in it"
            lines.append(Text(f"{name}: {words}", style="yellow"))
        lines += [Text(f"  not looked at: {missed}", style="dim") for missed in one.looked.not_at]
    return lines


def _number(count: int, what: str) -> str:
    singular, of, rest = what.partition(" of ")
    return f"{count} {singular}{'' if count == 1 else 's'}{of}{rest}"


INDENT = 16
"""Columns before the words of a finding: its line and its severity."""


def _lines(one: Finding, out: Console) -> Iterator[Text]:
    """Words are wrapped, and links and options that are longer than the line stay whole."""
    number = str(one.where.line) if one.where.line is not None else ""
    start = Text.assemble((f"{number:>5}  ", "dim"), (f"{one.severity!s:<9}", STYLES[one.severity]))
    width = max(out.width - INDENT, INDENT)
    for part in _words(one).split("\n"):
        for line in _wrapped(part, width):
            yield Text.assemble(start, line)
            start = Text(" " * INDENT)


def _wrapped(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most `width` columns, unless a word alone is longer, which Rich would break."""
    at = 0
    for line in textwrap.wrap(text.plain, width, break_long_words=False, break_on_hyphens=False):
        at = text.plain.index(line, at)
        yield text[at : at + len(line)]
        at += len(line)


def _words(one: Finding) -> Text:
    text = Text.assemble((one.subject, "bold"), " ", one.what)
    if one.where.key:
        text.append(f"  {one.where.key}", style="dim")
    if one.why:
        text.append(f"\n{one.why}", style="dim")
    if one.instead:
        text.append("\ninstead: ", style="green")
        text.append(one.instead)
    if one.link:
        text.append(f"\n{one.link}", style="dim underline")
    return text


def _total(counts: Counter[Severity]) -> str:
    """`2 errors, 1 warning`"""
    return ", ".join(
        f"{counts[severity]} {severity}{'' if counts[severity] == 1 else 's'}"
        for severity in Severity
        if counts[severity]
    )
