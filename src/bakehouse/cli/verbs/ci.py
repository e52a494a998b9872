"""`ci`: write workflows, and find what a CI run has to do."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from bakehouse.cli.argument_types import duration
from bakehouse.cli.console import Output
from bakehouse.cli.selection_options import add_selection, selection
from bakehouse.commands import ci, ci_collect, ci_kubernetes
from bakehouse.pipeline.context import Context

DESCRIPTION = (
    "Write the workflows of a CI system from matrix.yaml (`ci`, `publish`), and find what a run of them has to do."
)
EXAMPLES = """\
examples:
  bakehouse ci github                              write .github/workflows/bakehouse-nightly.yml and -change.yml
  bakehouse ci gitlab                              write .gitlab/bakehouse.yml, for `include: local`
  bakehouse ci check                               fail where a written file is stale
  bakehouse ci kubernetes reports/RUN --gpu rtx5090 | kubectl apply --filename -
                                                   test images that were staged on a cluster's cards
  bakehouse ci collect reports/RUN                 fetch what those Jobs found
  bakehouse ci jobs --affected-since origin/main   what the workflows ask: shards to build, cards to test on
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    actions = verb.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("github", help="write the workflows of GitHub Actions")
    actions.add_parser("gitlab", help="write the pipeline of GitLab CI")
    actions.add_parser("check", help="say whether written files are up to date")
    jobs = actions.add_parser("jobs", help="what a run has to do: shards to build, cards to test on")
    add_selection(jobs)
    jobs.add_argument(
        "--as", dest="form", choices=get_args(ci.Format), default="json", help="for whom (default: json, for programs)"
    )
    kubernetes = actions.add_parser("kubernetes", help="Jobs that test images in a cluster, each beside its card")
    add_selection(kubernetes)
    kubernetes.add_argument("runs", type=Path, metavar="RUNS", help="folder of runs that built and staged")
    kubernetes.add_argument(
        "--measure-for", type=duration, default=300.0, metavar="TIME", help="for testing and measuring (default: 5m)"
    )
    collect = actions.add_parser("collect", help="fetch what Jobs attached to the images that they tested")
    collect.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="runs that built (default: reports/latest)")
    notice = actions.add_parser("notice", help="what the runs in reports/ found that a person must know, in Markdown")
    notice.add_argument("--catalogue", metavar="FILE", help="what is published: says what was good before")
    notice.add_argument("--fail", action="store_true", help="end with exit code 1 where there is something to say")
    jobs.add_argument(
        "--stale", action="store_true", help="only cells whose published image is not what the project says now"
    )
    jobs.add_argument("--change", action="store_true", help="of a merge request: nothing is published")


def run(arguments: argparse.Namespace, context: Context) -> int:
    match arguments.action:
        case "check":
            return ci.check(context)
        case "kubernetes":
            return ci_kubernetes.kubernetes(
                context, arguments.runs, selection(arguments), seconds=round(arguments.measure_for), out=Output()
            )
        case "collect":
            return ci_collect.collect(context, arguments.runs)
        case "notice":
            return ci.say_notice(context, catalogue=arguments.catalogue, fail=arguments.fail, out=Output())
        case "jobs":
            options = ci.JobsOptions(
                selection=selection(arguments), form=arguments.form, stale=arguments.stale, change=arguments.change
            )
            return ci.find_jobs(context, options, out=Output())
        case system:
            return ci.write(context, system)
