"""From reports, policy and what the registry holds to the steps that publish a variant. Pure.

The order makes it safe to be killed anywhere: images, index, attestations, signature, immutable tag, channel. No reader
ever sees a channel on something that is unsigned or half there, and the same command goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bakehouse.model.publish import Channel, Publish
from bakehouse.publish import channel as channels
from bakehouse.publish.attestations import BuilderIdentity, Statement, statements
from bakehouse.publish.candidates import Candidate, Variant
from bakehouse.publish.channel import ChannelEntry
from bakehouse.publish.facts import Facts
from bakehouse.publish.gates import GateResult, GateSubject, all_gates, blocking
from bakehouse.publish.index import Prepared, join, version_of
from bakehouse.publish.state import VariantState
from bakehouse.publish.steps import Attach, CopyImage, Move, PutIndex, SetTag, Step, WriteHistory
from bakehouse.registry.content import Manifest

STAGING_PREFIX = "stg-"


class Outcome(StrEnum):
    MOVES = "moves"
    CONFIRMED = "confirmed"
    """The channel names this image already."""
    STAYS = "stays"
    """A gate, or a rule below, keeps the channel where it is."""
    STAGED = "staged"
    """Nothing more was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishRequest:
    """What is to be published, and where."""

    variant: Variant
    images: tuple[Prepared, ...]
    policy: Publish
    channel: str | None
    """None: only to staging."""
    name: str
    """Of the target repository."""
    has_staging: bool
    facts: Mapping[str, Facts]
    builder: BuilderIdentity
    time: datetime

    @property
    def rules(self) -> Channel:
        assert self.channel is not None
        return self.policy.channels[self.channel]


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantPlan:
    variant: str
    """`embedder cuda12.9-sm120`."""
    channel: str | None
    index: Manifest
    tag: str
    """The immutable one."""
    gates: tuple[GateResult, ...]
    refusals: tuple[str, ...]
    """Why the channel stays, beside the gates."""
    outcome: Outcome
    steps: tuple[Step, ...]

    @property
    def is_good(self) -> bool:
        return self.outcome is not Outcome.STAYS


def immutable_tag(request: PublishRequest, index: Manifest) -> str:
    """From the pattern; what no tag may hold becomes `-`."""
    variant = request.variant
    text = request.policy.tag.format(
        version=version_of(request.images) or "unversioned",
        variant=variant.name,
        date=f"{variant.started:%Y%m%d}",
        digest=index.digest.removeprefix("sha256:")[:12],
    )
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in text)[
        :128
    ]


def staging_tag(candidate: Candidate) -> str:
    """With the day, which tells retention how old it is."""
    return f"{STAGING_PREFIX}{candidate.started:%Y%m%d}-{candidate.digest.removeprefix('sha256:')[:12]}"


def plan(request: PublishRequest, state: VariantState) -> VariantPlan:
    """All that is to be done; nothing where all of it was done.

    An image that was published before keeps its tag: a new one would say that it is new (xinference#1216).
    """
    index = join(request.variant, request.images)
    known = channels.known_tags([state.history, *state.others])
    tag = next((name for name, entry in known.items() if entry.digest == index.digest), immutable_tag(request, index))
    staged = tuple(_stage(request, state))
    if request.channel is None:
        return _result(request, index, tag, outcome=Outcome.STAGED, steps=staged)
    gates = tuple(_gates(request, state))
    refusals = tuple(_refusals(request, state, index, tag))
    if blocking(gates) or refusals:
        return _result(request, index, tag, outcome=Outcome.STAYS, steps=staged, gates=gates, refusals=refusals)
    steps = (*staged, *_release(request, state, index, tag))
    moves = any(isinstance(step, Move) for step in steps)
    outcome = Outcome.MOVES if moves else Outcome.CONFIRMED
    return _result(request, index, tag, outcome=outcome, steps=steps, gates=gates)


def _result(
    request: PublishRequest,
    index: Manifest,
    tag: str,
    *,
    outcome: Outcome,
    steps: tuple[Step, ...],
    gates: tuple[GateResult, ...] = (),
    refusals: tuple[str, ...] = (),
) -> VariantPlan:
    return VariantPlan(
        variant=request.variant.title,
        channel=request.channel,
        index=index,
        tag=tag,
        gates=gates,
        refusals=refusals,
        outcome=outcome,
        steps=steps,
    )


def _gates(request: PublishRequest, state: VariantState) -> Iterator[GateResult]:
    for candidate in request.variant.candidates:
        subject = GateSubject(
            candidate=candidate,
            facts=request.facts.get(candidate.digest, Facts()),
            policy=request.policy,
            present=state.present,
        )
        yield from all_gates(subject, request.rules.gates)


def _refusals(request: PublishRequest, state: VariantState, index: Manifest, tag: str) -> Iterator[str]:
    """What no gate looks at: whether the set is whole, and whether tags and channels keep their word."""
    variant = request.variant
    have = {candidate.platform for candidate in variant.candidates}
    if lacking := sorted({*(request.rules.platforms or variant.wanted)} - have):
        yield f"{', '.join(lacking)} is missing: the channel moves when all its platforms are there"
    if not version_of(request.images):
        versions = sorted({image.labels.get("org.opencontainers.image.version", "none") for image in request.images})
        yield f"its images are of different versions: {', '.join(versions)}"
    if state.immutable not in (None, index.digest):
        yield (
            f"{tag} names {str(state.immutable)[:19]} already, and never moves; "
            "a pattern with {digest} gives each image a tag of its own"
        )
    yield from _backwards(request, state, index)


def _backwards(request: PublishRequest, state: VariantState, index: Manifest) -> Iterator[str]:
    history, newest = state.history, state.history.newest
    if index.digest in history.refused:
        how = f"--rollback {request.channel} --to {index.digest}"
        yield f"{request.channel} was rolled back from this image, and only `{how}` takes it again"
        return
    is_other = newest is not None and newest.digest != index.digest
    if newest and is_other and newest.built and request.variant.started < newest.built:
        yield (
            f"it was built {request.variant.started:%Y-%m-%d %H:%M}, before what the channel names "
            f"({newest.built:%Y-%m-%d %H:%M}): only --rollback goes back"
        )


def _stage(request: PublishRequest, state: VariantState) -> Iterator[Step]:
    if not request.has_staging:
        return
    for candidate in request.variant.candidates:
        tag = staging_tag(candidate)
        if state.staged.get(candidate.digest) != tag:
            yield CopyImage(to="staging", digest=candidate.digest, cell=candidate.cell, tag=tag)


def _release(request: PublishRequest, state: VariantState, index: Manifest, tag: str) -> Iterator[Step]:
    for candidate in request.variant.candidates:
        if candidate.digest not in state.in_target:
            yield CopyImage(to="target", digest=candidate.digest, cell=candidate.cell)
    if index.digest not in state.in_target:
        yield PutIndex(manifest=index, platforms=tuple(one.platform for one in request.variant.candidates))
    for statement in _statements(request, index):
        if statement.key not in state.attached:
            yield Attach(subject=index.digest, statement=statement)
    if state.immutable is None:
        yield SetTag(tag=tag, digest=index.digest)
    yield from _move(request, state, index, tag)


def _statements(request: PublishRequest, index: Manifest) -> Sequence[Statement]:
    return statements(
        request.variant.candidates, index.digest, name=request.name, facts=request.facts, builder=request.builder
    )


def _move(request: PublishRequest, state: VariantState, index: Manifest, tag: str) -> Iterator[Step]:
    assert request.channel is not None
    for name in channels.tags_of(request.channel, request.variant.name, request.rules):
        was = state.tags.get(name)
        if was != index.digest:
            yield Move(tag=name, digest=index.digest, was=was)
    history, newest = state.history, state.history.newest
    is_named = newest is not None and newest.digest == index.digest
    seen = {run for entry in history.of(index.digest) for run in entry.runs}
    if is_named and set(request.variant.runs) <= seen:
        return
    entry = ChannelEntry(
        kind="confirmed" if is_named else "moved",
        digest=index.digest,
        tag=tag,
        runs=request.variant.runs,
        built=request.variant.started,
        time=request.time,
    )
    yield WriteHistory(
        tag=channels.history_tag(request.channel, request.variant.name), history=history.with_entry(entry)
    )
