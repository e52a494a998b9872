"""`publish --rollback`, `--prune` and `--list`: work on channels that exist already."""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from bakehouse.commands.publish import chosen_channel
from bakehouse.errors import ExitCode, InputError
from bakehouse.formatting import NOTHING, count, moment
from bakehouse.model.publish import Publish
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.publish import channel as channels
from bakehouse.publish import retention, rollback
from bakehouse.publish.channel import ChannelHistory
from bakehouse.publish.execute import Executor
from bakehouse.publish.keys import chosen_verifier
from bakehouse.publish.place import PublishPlace, open_place
from bakehouse.publish.reading import repository_state
from bakehouse.publish.roots import roots
from bakehouse.publish.signing import Verifier
from bakehouse.publish.state import RepositoryState
from bakehouse.publish.steps import Step, short
from bakehouse.publish.verify import verify
from bakehouse.registry.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelOptions:
    to: str | None = None
    """The registry, as for `publish`."""
    digest: str | None = None
    """What a rollback goes to."""
    only: tuple[str, ...] = ()
    """Patterns of `RECIPE-VARIANT`."""
    dry_run: bool = False
    json: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Repository:
    """One recipe's."""

    recipe: str
    target: Store
    staging: Store | None
    state: RepositoryState

    def histories(self, options: ChannelOptions) -> Iterator[ChannelHistory]:
        for history in sorted(self.state.histories, key=lambda one: (one.channel, one.variant)):
            name = f"{self.recipe}-{history.variant}"
            if not options.only or any(fnmatch.fnmatchcase(name, pattern) for pattern in options.only):
                yield history


def roll_back(context: Context, name: str, options: ChannelOptions) -> ExitCode:
    """Every variant of the channel, or those that --only selects. Nothing is built and nothing is sent.

    Raises InputError where there is nothing to go back to, or what there is does not verify.
    """
    policy, recipes = _policy(context)
    chosen_channel(policy, name)
    with open_place(context, policy, to=options.to, recipes=recipes) as place:
        key = _key(context, policy)
        found = 0
        for repository in _repositories(place):
            for history in repository.histories(options):
                if history.channel == name and (not options.digest or history.of(options.digest)):
                    _roll_back_one(context, repository, history, policy, options=options, key=key)
                    found += 1
        if not found:
            what = f" that ever named {options.digest}" if options.digest else ""
            raise InputError(f"no variant has a channel {name}{what}", hint="`bakehouse publish --list` shows them.")
    return ExitCode.OK


def _roll_back_one(
    context: Context,
    repository: _Repository,
    history: ChannelHistory,
    policy: Publish,
    *,
    options: ChannelOptions,
    key: Verifier | None,
) -> None:
    plan = rollback.plan(
        channel=history.channel,
        variant=history.variant,
        rules=policy.channels[history.channel],
        history=history,
        tags=repository.state.tags,
        to=options.digest,
        now=datetime.now(UTC),
    )
    where = f"{repository.recipe} {channels.channel_tag(history.channel, history.variant)}"
    if plan.digest is None:
        raise InputError(f"{where}: there is nothing to go back to: {plan.reason}")
    if not plan.steps:
        context.say(f"{where} names {short(plan.digest)} already, since its rollback")
        return
    verified = verify(repository.target, plan.digest, name=f"{repository.target.name}@{plan.digest}", key=key)
    if verified.problems:
        raise InputError(
            f"{where} does not go back to {short(plan.digest)}: " + "; ".join(verified.problems),
            hint="Choose another with --to DIGEST; `bakehouse publish --list` shows what there is.",
        )
    _execute(context, repository, plan.steps, options)
    context.say(f"{where} {'would be' if options.dry_run else 'is'} back at {short(plan.digest)}")


def prune(context: Context, options: ChannelOptions) -> ExitCode:
    """Announce what will go, and remove what was announced and may go now."""
    policy, recipes = _policy(context)
    keep = roots(context.root, context.reports)
    with open_place(context, policy, to=options.to, recipes=recipes) as place:
        for repository in _repositories(place):
            steps = retention.plan(repository.state, policy, roots=keep, now=datetime.now(UTC))
            context.say(f"{repository.target.name}: {count(len(steps), 'step') if steps else 'nothing is to be done'}")
            _execute(context, repository, steps, options)
    return ExitCode.OK


def list_channels(context: Context, options: ChannelOptions, *, out: Console) -> ExitCode:
    """Ends with 1 where a channel is older than its policy says (pytorch#88833: 18 days without a word)."""
    policy, recipes = _policy(context)
    keep = roots(context.root, context.reports)
    now = datetime.now(UTC)
    listed = []
    stale = []
    with open_place(context, policy, to=options.to, recipes=recipes) as place:
        for repository in _repositories(place):
            listed.append(_described(repository, policy, options, keep, now))
            stale += [f"{repository.recipe} {one['tag']}" for one in listed[-1]["channels"] if one["stale"]]
    if options.json:
        sys.stdout.write(json.dumps(listed, indent=2) + "\n")
    else:
        _show(context, listed, out)
    for name in stale:
        context.say(f"{name} is stale: no run has confirmed it for longer than max_age_days allows")
    return ExitCode.CELL_FAILED if stale else ExitCode.OK


def _described(
    repository: _Repository, policy: Publish, options: ChannelOptions, keep: dict[str, str], now: datetime
) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {"channels": [], "tags": []}
    for history in repository.histories(options):
        rules = policy.channels.get(history.channel)
        tag = channels.channel_tag(history.channel, history.variant)
        newest, digest = history.newest, repository.state.tags.get(tag)
        days = rules.max_age_days if rules else 0
        found["channels"].append(
            {
                "repository": repository.target.name,
                "tag": tag,
                "digest": digest,
                "image": newest.tag if newest else None,
                "confirmed": newest.time.isoformat() if newest else None,
                "by": newest.kind if newest else None,
                "stale": bool(rules) and channels.is_stale(history, max_age_days=days, now=now),
            }
        )
    variants = {history.variant for history in repository.histories(options)}
    for one in retention.published(repository.state, policy, roots=keep, now=now):
        if one.variant in variants:
            found["tags"].append(
                {
                    "repository": repository.target.name,
                    "tag": one.tag,
                    "digest": one.digest,
                    "published": one.time.isoformat(),
                    "kept": one.kept or None,
                    "expires": one.expires.isoformat() if one.expires else None,
                    "announced": one.announced,
                }
            )
    return found


def _show(context: Context, listed: Sequence[dict[str, list[dict[str, object]]]], out: Console) -> None:
    rows = [one for each in listed for one in each["channels"]]
    if not rows:
        context.say("nothing has been published there yet")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("repository", "channel", "image", "digest", "confirmed", ""):
        table.add_column(header, no_wrap=True)
    for one in rows:
        when = moment(datetime.fromisoformat(str(one["confirmed"]))) if one["confirmed"] else NOTHING
        words = "stale" if one["stale"] else "rolled back" if one["by"] == "rolled-back" else ""
        table.add_row(str(one["repository"]), str(one["tag"]), str(one["image"]), _short(one["digest"]), when, words)
    out.print(table)
    out.print()
    tags = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("image", "digest", "published", "stays or goes"):
        tags.add_column(header, no_wrap=header != "stays or goes")
    for one in (one for each in listed for one in each["tags"]):
        fate = str(one["kept"] or f"goes on {one['expires']} at the earliest")
        if one["expires"] and not one["announced"]:
            fate += ", not announced yet"
        when = moment(datetime.fromisoformat(str(one["published"])))
        tags.add_row(str(one["tag"]), _short(one["digest"]), when, fate)
    out.print(tags)


def _short(digest: object) -> str:
    return short(str(digest)) if digest else "missing"


def _policy(context: Context) -> tuple[Publish, list[str]]:
    project, resolution = open_project(context.root)
    return project.world.matrix.publish, sorted({cell.at.recipe for cell in resolution.cells})


def _repositories(place: PublishPlace) -> Iterator[_Repository]:
    """Of every recipe of the matrix; what was never published is empty."""
    for recipe in place.recipes:
        target, staging = place.stores(recipe)
        yield _Repository(recipe=recipe, target=target, staging=staging, state=repository_state(target, staging))


def _key(context: Context, policy: Publish) -> Verifier | None:
    return chosen_verifier(context.environ, context.cache, policy.signing, root=context.root)


def _execute(context: Context, repository: _Repository, steps: Sequence[Step], options: ChannelOptions) -> None:
    if options.dry_run:
        sys.stdout.writelines(f"{step}\n" for step in steps)
        sys.stdout.flush()
        return
    executor = Executor(target=repository.target, staging=repository.staging, images={}, signer=None, say=context.say)
    executor.execute(steps)
