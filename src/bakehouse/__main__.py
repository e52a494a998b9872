"""The command line: arguments in, exit code out. The only place that ends the process."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

import bakehouse
from bakehouse.commands import history, lint, plan
from bakehouse.commands.bench import bench
from bakehouse.commands.build_matrix import build_matrix
from bakehouse.commands.clean import clean
from bakehouse.commands.context import Context, default_cache
from bakehouse.commands.engine import use_engine
from bakehouse.commands.job import Options
from bakehouse.commands.lock import lock
from bakehouse.commands.report import report
from bakehouse.commands.schema import schema
from bakehouse.engine.process import sigterm_interrupts
from bakehouse.errors import BakehouseError, ExitCode, InfrastructureError
from bakehouse.history.imports import FORMATS
from bakehouse.select import Selection

EPILOG = """\
exit codes:
  0    everything that was asked for passed
  1    a cell failed or could not be judged; the reports say why (lint: there are errors); with
       --fail-on-regression also: something became slower or larger
  2    the input is wrong (a file, an option); nothing was done
  3    a bug in bakehouse; a log was saved
  4    the infrastructure failed (engine, disk) and the run could not go on; the same command goes on there
  130  interrupted; the same command goes on where it stopped

environment:
  BAKEHOUSE_CACHE            where downloads, bases, models and the embedded engine live (~/.cache/bakehouse)
  BAKEHOUSE_REGISTRY_MIRROR  a registry to ask after the public one, as HOST[:PORT][/PREFIX]
  BAKEHOUSE_OFFLINE=1        use only what is cached or local
  DOCKER_HOST, DOCKER_CONTEXT  the engine to use; without one that answers, root gets a private engine
"""


PLAN_EXAMPLES = """\
examples:
  bakehouse plan                                  the whole matrix, and each reason why something is left out
  bakehouse plan --gpu gb10                       what to build for this card, best first, and why not the rest
  bakehouse plan --gpu rtx4090 --driver 535.183   the same on a machine whose driver stays as it is
  bakehouse plan --driver 550.54                  which toolkits this driver runs
  bakehouse plan --explain CELL                   every value of a cell with the line it comes from
  bakehouse plan --affected-since origin/main --json   cells for a CI matrix: those that a change affects
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="bakehouse",
        description=bakehouse.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"bakehouse {bakehouse.__version__}")
    top.add_argument("--root", type=Path, default=Path(), help="the project's folder, with matrix.yaml (default: here)")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    planning = verbs.add_parser(
        "plan",
        help="what would be built, and why the rest would not; touches nothing",
        description="Say what would be built, and why the rest would not. Touches neither Docker nor the network.",
        epilog=PLAN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_selection(planning)
    planning.add_argument(
        "--driver", metavar="VERSION", help="what runs on this NVIDIA driver, wholly or in part; goes well with --gpu"
    )
    planning.add_argument("--excluded", action="store_true", help="list every combination that a reason rules out")
    planning.add_argument(
        "--json", action="store_true", dest="as_json", help="for programs: cells, exclusions, bake file"
    )
    planning.add_argument(
        "--explain", metavar="CELL", help="where each value of this cell comes from, or why it is excluded"
    )
    planning.add_argument(
        "--write", metavar="FOLDER", type=Path, help="write the Dockerfiles and docker-bake.json there"
    )

    building = verbs.add_parser(
        "build-matrix", help="build, prove, start, measure and report (default: what runs here)"
    )
    _add_selection(building)
    _add_run_options(building)
    building.add_argument("--no-tests", action="store_true", help="build and prove only; start nothing")

    measuring = verbs.add_parser("bench", help="measure on this machine; --gpu cpu is its processor")
    _add_selection(measuring)
    _add_run_options(measuring)

    drawing = verbs.add_parser("report", help="draw a run's reports again from its run.json")
    drawing.add_argument("folder", nargs="?", type=Path, help="the run's folder (default: reports/latest)")

    _add_history(verbs.add_parser("history", help="say which measurements are right; add those of other programs"))

    locking = verbs.add_parser("lock", help="pin what the matrix's names stand for today in bakehouse.lock")
    locking.add_argument("--no-install", action="store_true", help="never install Debian packages")

    linting = verbs.add_parser("lint", help="check options, arguments and variables against the pinned source's own")
    linting.add_argument("files", nargs="*", type=Path, metavar="DOCKERFILE", help="files to read, not the project")
    linting.add_argument("--json", action="store_true", dest="as_json", help="for programs")
    linting.add_argument("--update", action="store_true", help="read the pinned source anew and keep its options")
    linting.add_argument(
        "--compare-help", metavar="FILE", help="hold what an image's `llama-server --help` printed against the source"
    )

    schemas = verbs.add_parser("schema", help="write the JSON Schemas of the files")
    schemas.add_argument("--check", action="store_true", help="only say whether they are up to date")

    using = verbs.add_parser("engine", help="run a program with the engine that runs use, the embedded one included")
    using.add_argument("program", nargs=argparse.REMAINDER, help="for example: docker images (default: your shell)")

    cleaning = verbs.add_parser("clean", help="remove containers and images that runs left; reports stay")
    cleaning.add_argument("--keep-images", action="store_true", help="remove containers only")
    cleaning.add_argument(
        "--cache", action="store_true", help="remove the cache folder too: downloads, compiler cache, engine"
    )
    return top


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


def _add_selection(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group(
        "which cells", "Options of different kinds narrow each other, values of one kind add up. NAME may be a pattern."
    )
    group.add_argument("--all", action="store_true", dest="everything", help="every cell, whether it runs here or not")
    group.add_argument(
        "--gpu",
        metavar="CARD",
        help="cells with code for this card: a name of the catalogue (rtx5090), what it runs (sm_89, 8.9, gfx1100), or "
        "'cpu', the processor",
    )
    for option, text in (
        ("accelerator", "cpu, cuda, rocm, xpu or vulkan"),
        ("toolkit", "by name or version: cuda12.9, 12.9, 12.9.1; 12 stands for 12.*"),
        ("arch", "cells that hold code for it, alone or among others: sm_120, gfx1100"),
        ("platform", "linux/amd64, linux/arm64"),
        ("flag-set", "cells of this flag set"),
        ("recipe", "cells of this recipe"),
    ):
        group.add_argument(f"--{option}", metavar="NAME", action="append", default=[], help=text)
    group.add_argument("--only", metavar="GLOB", action="append", default=[], help="cells whose name matches")
    group.add_argument("--skip", metavar="GLOB", action="append", default=[], help="not those")
    group.add_argument(
        "--affected-since",
        metavar="REV",
        help="cells whose inputs differ from those at this git revision: rendered files, recipe, probes, model",
    )


def _add_run_options(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("how to run")
    group.add_argument(
        "--quick", action="store_true", help="one container start, two repetitions: for CI, not for comparing"
    )
    group.add_argument(
        "--starts", type=_positive, metavar="N", help="container starts a measurement (default: the recipe's)"
    )
    group.add_argument(
        "--repetitions", type=_positive, metavar="N", help="repetitions in each start (default: the recipe's)"
    )
    group.add_argument(
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        help="hold the rates against llama-bench in the same image (default: unless --quick)",
    )
    group.add_argument(
        "--history",
        action=argparse.BooleanOptionalAction,
        help="keep measurements in reports/history and compare them with it (default: unless --quick)",
    )
    group.add_argument(
        "--fail-on-regression", action="store_true", help="end with exit code 1 when something became slower or larger"
    )
    group.add_argument(
        "--workers", type=_positive, metavar="N", help="probes at the same time (default: one for two cores)"
    )
    group.add_argument("--fresh", action="store_true", help="begin anew even if the last run was cut off")
    group.add_argument("--no-install", action="store_true", help="never install Debian packages")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _selection(arguments: argparse.Namespace) -> Selection:
    return Selection(
        everything=arguments.everything,
        gpu=arguments.gpu,
        only=tuple(arguments.only),
        skip=tuple(arguments.skip),
        recipe=tuple(arguments.recipe),
        accelerator=tuple(arguments.accelerator),
        toolkit=tuple(arguments.toolkit),
        arch=tuple(arguments.arch),
        flag_set=tuple(arguments.flag_set),
        platform=tuple(arguments.platform),
        affected_since=arguments.affected_since,
    )


def _run_options(arguments: argparse.Namespace) -> Options:
    return Options(
        selection=_selection(arguments),
        fresh=arguments.fresh,
        tests=not getattr(arguments, "no_tests", False),
        quick=arguments.quick,
        starts=arguments.starts,
        repetitions=arguments.repetitions,
        calibrate=arguments.calibrate,
        history=arguments.history,
        fail_on_regression=arguments.fail_on_regression,
        workers=arguments.workers,
        install=not arguments.no_install,
    )


def _dispatch(arguments: argparse.Namespace, context: Context) -> int:  # noqa: C901, PLR0911 - one for each verb
    match arguments.verb:
        case "plan":
            options = plan.Options(
                selection=_selection(arguments),
                driver=arguments.driver,
                excluded=arguments.excluded,
                as_json=arguments.as_json,
                explain=arguments.explain,
                write=arguments.write,
            )
            return plan.plan(context, options, out=_Output())
        case "build-matrix":
            return build_matrix(context, _run_options(arguments))
        case "bench":
            return bench(context, _run_options(arguments))
        case "report":
            return report(context, arguments.folder)
        case "history":
            return _history(arguments, context)
        case "lock":
            return lock(context, install=not arguments.no_install)
        case "lint":
            asked = lint.Options(
                files=tuple(arguments.files),
                as_json=arguments.as_json,
                update=arguments.update,
                compare_help=arguments.compare_help,
            )
            return lint.lint(context, asked, out=_Output())
        case "schema":
            return schema(context, check=arguments.check)
        case "engine":
            return use_engine(context, arguments.program)
        case "clean":
            return clean(context, images=not arguments.keep_images, cache=arguments.cache)
        case verb:
            raise AssertionError(f"no command serves the verb {verb}")


class _Output(Console):
    """A terminal that may go away. Its reader has what it wanted; we carry on, and write to nobody."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def main(words: Sequence[str]) -> int:
    """Run one command. Nothing is raised: every exception becomes words and an exit code."""
    arguments = parser().parse_args(words)
    console = _Output(stderr=True)
    context = Context(
        root=arguments.root.absolute(),
        cache=default_cache(os.environ),
        environ=os.environ,
        console=console,
        command=("bakehouse", *words),
    )
    try:
        with sigterm_interrupts():
            return _dispatch(arguments, context)
    except BakehouseError as error:
        return _refuse(error, console)
    except KeyboardInterrupt:
        console.print("interrupted", style="bold yellow")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence
        if trouble := _trouble_of_machine(error):
            return _refuse(trouble, console)
        where = _save_log(words)
        console.print(f"a bug in bakehouse; please report it with this log: {where}", style="bold red", soft_wrap=True)
        return ExitCode.BUG


def _refuse(error: BakehouseError, console: Console) -> ExitCode:
    console.print("error:", style="bold red", end=" ")
    console.print(str(error), markup=False, highlight=False, soft_wrap=True)
    return error.exit_code


_FULL = {
    errno.ENOSPC: "Make room there, or choose another folder: --root for reports, BAKEHOUSE_CACHE for the cache.",
    errno.EDQUOT: "Your quota there is used up.",
    errno.EROFS: "Choose a folder that can be written: --root for reports, BAKEHOUSE_CACHE for the cache.",
    errno.EACCES: "Make it accessible for this user, or choose another folder (--root, BAKEHOUSE_CACHE).",
    errno.EPERM: "Make it accessible for this user, or choose another folder (--root, BAKEHOUSE_CACHE).",
    errno.EIO: "The disk may be failing: see dmesg.",
    errno.EMFILE: "Too many files are open: raise `ulimit -n`.",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.ENOMEM: "This machine has no memory left.",
    errno.EAGAIN: "This machine allows no more processes: see `ulimit -u`.",
}
"""Errors of the machine, with what to do; any other OSError is ours."""


def _trouble_of_machine(error: Exception) -> InfrastructureError | None:
    if isinstance(error, MemoryError):
        return InfrastructureError(_FULL[errno.ENOMEM])
    if isinstance(error, OSError) and error.errno in _FULL:
        place = f"{error.filename}: " if error.filename else ""
        return InfrastructureError(f"{place}{error.strerror}", hint=_FULL[error.errno])
    return None


def _save_log(words: Sequence[str]) -> str:
    """Where the log is, or, when even that cannot be written, the log itself."""
    versions = f"bakehouse {bakehouse.__version__}, Python {sys.version}"
    text = f"{versions}\ncommand: {' '.join(words)}\n\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="bakehouse-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        return f"\n{text}"
    return file.name


def run() -> None:
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
