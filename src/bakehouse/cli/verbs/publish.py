"""`publish`: bring what passed to a registry; channels, rollback, retention."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from bakehouse.cli.console import Output
from bakehouse.commands.publish import PublishOptions, publish
from bakehouse.commands.publish_channels import ChannelOptions, list_channels, prune, roll_back
from bakehouse.errors import InputError
from bakehouse.pipeline.context import Context

DESCRIPTION = """\
Push the very images that a run tested, sign and attest them, tag them, and move a channel to them last of all.
Without a registry in matrix.yaml, one is started on this machine."""
EXAMPLES = """\
examples:
  bakehouse publish --dry-run                  each step, and no request that writes
  bakehouse publish                            the latest run, to the first channel of matrix.yaml
  bakehouse publish reports/RUN reports/RUN --channel stable
                                               images of several machines, joined
  bakehouse publish --to oci:FOLDER            an OCI layout, for skopeo or docker load
  bakehouse publish --rollback nightly         back to the image before, without a build
  bakehouse publish --list                     channels and tags; fails where one is stale
"""
_DIGEST = re.compile(r"sha256:[0-9a-f]{12,64}")
_MEANT = "sha256:"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders of runs (default: reports/latest)")
    verb.add_argument("--channel", metavar="NAME", help="the channel to move (default: the first in matrix.yaml)")
    verb.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="PLACE",
        help="REGISTRY/REPOSITORY, oci:FOLDER or oci-archive:FILE.tar instead of matrix.yaml's; with --rollback also a "
        "DIGEST",
    )
    verb.add_argument("--only", metavar="GLOB", action="append", default=[], help="cells whose name matches")
    verb.add_argument("--dry-run", action="store_true", help="print each step; nothing is written")
    verb.add_argument("--no-install", action="store_true", help="never install Debian packages")
    other = verb.add_mutually_exclusive_group()
    other.add_argument("--stage", action="store_true", help="only to staging: another machine joins and publishes")
    other.add_argument("--rollback", metavar="CHANNEL", help="move it back to the image before, or to --to DIGEST")
    other.add_argument("--prune", action="store_true", help="announce what will go, remove what was announced")
    other.add_argument("--list", action="store_true", help="show channels and tags; ends with 1 where one is stale")
    verb.add_argument("--json", action="store_true", help="with --list: for programs")


def run(arguments: argparse.Namespace, context: Context) -> int:
    digests = [word for word in arguments.to if _DIGEST.fullmatch(word)]
    places = [word for word in arguments.to if word not in digests]
    _refuse_what_does_not_fit(arguments, digests, places)
    to = places[0] if places else None
    channels = ChannelOptions(
        to=to,
        digest=digests[0] if digests else None,
        only=tuple(arguments.only),
        dry_run=arguments.dry_run,
        json=arguments.json,
    )
    if arguments.rollback:
        return roll_back(context, arguments.rollback, channels)
    if arguments.prune:
        return prune(context, channels)
    if arguments.list:
        return list_channels(context, channels, out=Output())
    options = PublishOptions(
        runs=tuple(arguments.runs),
        channel=arguments.channel,
        to=to,
        only=tuple(arguments.only),
        stage=arguments.stage,
        dry_run=arguments.dry_run,
        install=not arguments.no_install,
    )
    return publish(context, options)


def _refuse_what_does_not_fit(arguments: argparse.Namespace, digests: list[str], places: list[str]) -> None:
    if wrong := next((place for place in places if place.startswith(_MEANT)), None):
        raise InputError(
            f"--to {wrong} is no digest", hint="It is sha256: and 64 digits, or the first twelve of them or more."
        )
    if len(digests) > 1 or len(places) > 1:
        raise InputError("--to names more than one place", hint="Name one; with --rollback also one digest.")
    if digests and not arguments.rollback:
        raise InputError("--to DIGEST goes with --rollback CHANNEL", hint="Images are published by their reports.")
    if arguments.runs and (arguments.rollback or arguments.prune or arguments.list):
        raise InputError("reports of runs are for publishing", hint="Leave them out: channels have their own history.")
    if arguments.json and not arguments.list:
        raise InputError(
            "--json goes with --list", hint="`publish` itself writes publish.json beside the run's report."
        )
