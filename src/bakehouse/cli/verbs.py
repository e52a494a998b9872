"""Each verb: its arguments, then the command that runs with them. `VERBS`, at the end, lists them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from bakehouse.cli.console import Output
from bakehouse.cli.options import add_run_options, add_selection, run_options, selection
from bakehouse.commands import history, lint, plan
from bakehouse.commands.bench import bench
from bakehouse.commands.build_matrix import build_matrix
from bakehouse.commands.clean import clean
from bakehouse.commands.engine import use_engine
from bakehouse.commands.lock import lock
from bakehouse.commands.report import report
from bakehouse.commands.schema import schema
from bakehouse.history.imports import FORMATS
from bakehouse.model.suite import Client
from bakehouse.pipeline.compare_images import STARTS as COMPARED_STARTS
from bakehouse.pipeline.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    help: str
    """Its line in `bakehouse --help`."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Context], int]
    """Returns the exit code."""
    description: str | None = None
    """Above its own help."""
    epilog: str | None = None
    """Below its own help, as it is."""


PLAN_EXAMPLES = """\
examples:
  bakehouse plan                                  the whole matrix, and each reason why something is left out
  bakehouse plan --gpu gb10                       what to build for this card, best first, and why not the rest
  bakehouse plan --gpu rtx4090 --driver 535.183   the same on a machine whose driver stays as it is
  bakehouse plan --driver 550.54                  which toolkits this driver runs
  bakehouse plan --explain CELL                   every value of a cell with the line it comes from
  bakehouse plan --affected-since origin/main --json   cells for a CI matrix: those that a change affects
"""


def _add_plan(verb: argparse.ArgumentParser) -> None:
    add_selection(verb)
    verb.add_argument(
        "--driver", metavar="VERSION", help="what runs on this NVIDIA driver, wholly or in part; goes well with --gpu"
    )
    verb.add_argument("--excluded", action="store_true", help="list every combination that a reason rules out")
    verb.add_argument("--json", action="store_true", dest="as_json", help="for programs: cells, exclusions, bake file")
    verb.add_argument(
        "--explain", metavar="CELL", help="where each value of this cell comes from, or why it is excluded"
    )
    verb.add_argument("--write", metavar="FOLDER", type=Path, help="write the Dockerfiles and docker-bake.json there")


def _plan(arguments: argparse.Namespace, context: Context) -> int:
    options = plan.Options(
        selection=selection(arguments),
        driver=arguments.driver,
        excluded=arguments.excluded,
        as_json=arguments.as_json,
        explain=arguments.explain,
        write=arguments.write,
    )
    return plan.plan(context, options, out=Output())


def _add_build_matrix(verb: argparse.ArgumentParser) -> None:
    add_selection(verb)
    add_run_options(verb)
    verb.add_argument("--no-tests", action="store_true", help="build and prove only; start nothing")


def _build_matrix(arguments: argparse.Namespace, context: Context) -> int:
    return build_matrix(context, run_options(arguments))


BENCH_EXAMPLES = """\
examples:
  bakehouse bench                                 the processor: all its cells, beside their history
  bakehouse bench --gpu rtx5090                   the cells of a card that is in this machine
  bakehouse bench --compare 20261120-031200-0e5428 --fail-on-regression
                                                  what is built now, in turn with the images of that run
  bakehouse bench --only llama-server-cpu-amd64 --compare ghcr.io/me/llama-server@sha256:5d1c...
                                                  the same with one image, pulled if need be
  bakehouse bench --engine aiperf                 let NVIDIA's aiperf make the load, beside its own history
"""


def _add_bench(verb: argparse.ArgumentParser) -> None:
    add_selection(verb)
    add_run_options(verb)
    verb.add_argument(
        "--compare",
        metavar="BASE",
        help="measure each cell in turn with another image (A B B A): that of a run in reports, or an image by tag, "
        f"digest or ID; {COMPARED_STARTS} starts each unless --starts says otherwise",
    )

    verb.add_argument(
        "--engine",
        choices=get_args(Client),
        default="bakehouse",
        dest="client",
        help="who makes the load: our own client (default), or NVIDIA's aiperf, if it is installed",
    )


def _bench(arguments: argparse.Namespace, context: Context) -> int:
    return bench(context, replace(run_options(arguments), compare=arguments.compare, client=arguments.client))


def _add_report(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("folder", nargs="?", type=Path, help="the run's folder (default: reports/latest)")


def _report(arguments: argparse.Namespace, context: Context) -> int:
    return report(context, arguments.folder)


def _add_history(verb: argparse.ArgumentParser) -> None:
    kinds = verb.add_subparsers(dest="kind", required=True, metavar="ACTION")
    for kind, text in (
        ("accept", "the level that holds this run is right, although it is worse than the one before"),
        ("pin", "compare this cell with this run only"),
        ("unpin", "compare this cell with its history again"),
    ):
        deciding = kinds.add_parser(kind, help=text, description=f"{text[0].upper()}{text[1:]}.")
        deciding.add_argument("cell", metavar="CELL")
        if kind != "unpin":
            deciding.add_argument("run", metavar="RUN", help="its name: that of its folder in reports")
        deciding.add_argument("--reason", metavar="TEXT", default="", help="for those who read it later")
    importing = kinds.add_parser(
        "import",
        help="add results of llama-bench, aiperf or guidellm",
        description="Add results of another program. They are compared with results of the same program only.",
    )
    importing.add_argument("file", type=Path, metavar="FILE", help="JSON or JSON Lines, as the program wrote it")
    importing.add_argument("--cell", required=True, metavar="CELL", help="the cell whose image was measured")
    importing.add_argument("--host", required=True, metavar="NAME", help="the machine: files do not say which it was")
    importing.add_argument("--device", default="", metavar="NAME", help="the card, where the file does not say")
    importing.add_argument("--image", default="", metavar="DIGEST", help="the image that was measured")
    importing.add_argument("--format", choices=list(FORMATS), help="default: its content says whose it is")


def _history(arguments: argparse.Namespace, context: Context) -> int:
    if arguments.kind != "import":
        run = getattr(arguments, "run", "")
        return history.decide(context, arguments.kind, cell=arguments.cell, run=run, reason=arguments.reason)
    asked = history.Import(
        path=arguments.file,
        cell=arguments.cell,
        host=arguments.host,
        device=arguments.device,
        image=arguments.image,
        format=arguments.format,
    )
    return history.import_file(context, asked)


def _add_lock(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--no-install", action="store_true", help="never install Debian packages")


def _lock(arguments: argparse.Namespace, context: Context) -> int:
    return lock(context, install=not arguments.no_install)


def _add_lint(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("files", nargs="*", type=Path, metavar="DOCKERFILE", help="files to read, not the project")
    verb.add_argument("--json", action="store_true", dest="as_json", help="for programs")
    verb.add_argument("--update", action="store_true", help="read the pinned source anew and keep its options")
    verb.add_argument(
        "--compare-help", metavar="FILE", help="hold what an image's `llama-server --help` printed against the source"
    )


def _lint(arguments: argparse.Namespace, context: Context) -> int:
    options = lint.Options(
        files=tuple(arguments.files),
        as_json=arguments.as_json,
        update=arguments.update,
        compare_help=arguments.compare_help,
    )
    return lint.lint(context, options, out=Output())


def _add_schema(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--check", action="store_true", help="only say whether they are up to date")


def _schema(arguments: argparse.Namespace, context: Context) -> int:
    return schema(context, check=arguments.check)


def _add_engine(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("program", nargs=argparse.REMAINDER, help="for example: docker images (default: your shell)")


def _engine(arguments: argparse.Namespace, context: Context) -> int:
    return use_engine(context, arguments.program)


def _add_clean(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--keep-images", action="store_true", help="remove containers only")
    verb.add_argument(
        "--cache", action="store_true", help="remove the cache folder too: downloads, compiler cache, engine"
    )


def _clean(arguments: argparse.Namespace, context: Context) -> int:
    return clean(context, images=not arguments.keep_images, cache=arguments.cache)


VERBS = {
    "plan": Verb(
        help="what would be built, and why the rest would not; touches nothing",
        description="Say what would be built, and why the rest would not. Touches neither Docker nor the network.",
        epilog=PLAN_EXAMPLES,
        add_arguments=_add_plan,
        run=_plan,
    ),
    "build-matrix": Verb(
        help="build, prove, start, measure and report (default: what runs here)",
        add_arguments=_add_build_matrix,
        run=_build_matrix,
    ),
    "bench": Verb(
        help="measure on this machine; --gpu cpu is its processor",
        epilog=BENCH_EXAMPLES,
        add_arguments=_add_bench,
        run=_bench,
    ),
    "report": Verb(
        help="draw a run's reports again from its run.json",
        add_arguments=_add_report,
        run=_report,
    ),
    "history": Verb(
        help="say which measurements are right; add those of other programs",
        add_arguments=_add_history,
        run=_history,
    ),
    "lock": Verb(
        help="pin what the matrix's names stand for today in bakehouse.lock",
        add_arguments=_add_lock,
        run=_lock,
    ),
    "lint": Verb(
        help="check options, arguments and variables against the pinned source's own",
        add_arguments=_add_lint,
        run=_lint,
    ),
    "schema": Verb(
        help="write the JSON Schemas of the files",
        add_arguments=_add_schema,
        run=_schema,
    ),
    "engine": Verb(
        help="run a program with the engine that runs use, the embedded one included",
        add_arguments=_add_engine,
        run=_engine,
    ),
    "clean": Verb(
        help="remove containers and images that runs left; reports stay",
        add_arguments=_add_clean,
        run=_clean,
    ),
}
"""In the order of `bakehouse --help`."""
