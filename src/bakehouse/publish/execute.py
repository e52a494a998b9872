"""Executes the steps of a plan. Each asks first, so that a plan which was cut off can be executed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from bakehouse.model import annotations as names
from bakehouse.publish import channel as channels
from bakehouse.publish.attestations import referrer
from bakehouse.publish.reading import JOURNAL
from bakehouse.publish.signing import Signer
from bakehouse.publish.steps import (
    Announce,
    Attach,
    CopyImage,
    Delete,
    DropJournal,
    Move,
    PutIndex,
    SetTag,
    Step,
    Where,
    WriteHistory,
    WriteJournal,
    short,
)
from bakehouse.registry.content import EMPTY_BLOB, EMPTY_CONFIG, Manifest, artifact, blob_of
from bakehouse.registry.copying import copy, required
from bakehouse.registry.store import RegistryError, Source, Store, opener

JOURNAL_TYPE = "application/vnd.bakehouse.prune.v1+text"


class MovedMeanwhileError(RegistryError):
    """Somebody else publishes to the same channel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Executor:
    target: Store
    staging: Store | None
    images: Mapping[str, Source]
    """By digest: where the image is read from."""
    signer: Signer | None
    say: Callable[[str], None]

    def execute(self, steps: Sequence[Step]) -> None:
        """One after the other. Raises RegistryError; what was done stays, and the next run goes on."""
        for step in steps:
            self.say(str(step))
            self._do(step)

    def _do(self, step: Step) -> None:
        match step:
            case CopyImage():
                self._copy_image(step)
            case PutIndex():
                self.target.put_manifest(step.manifest)
            case Attach():
                self._attach(step)
            case SetTag():
                self._tag(step.tag, step.digest, was=None)
            case Move():
                self._tag(step.tag, step.digest, was=step.was)
            case WriteHistory():
                manifest, content = channels.write(step.history)
                self._put_artifact(self.target, manifest, content, tag=step.tag)
            case _:
                self._retire(step)

    def _retire(self, step: Announce | Delete | WriteJournal | DropJournal) -> None:
        match step:
            case Announce():
                self._announce(step)
            case Delete():
                self._store(step.where).delete(step.digest)
            case WriteJournal():
                self._write_journal(step)
            case DropJournal():
                self._drop_journal(step)
            case _:
                assert_never(step)

    def _store(self, where: Where) -> Store:
        store = self.target if where == "target" else self.staging
        assert store is not None
        return store

    def _copy_image(self, step: CopyImage) -> None:
        """From staging where it is there: the registry mounts its blobs then."""
        source = self.images[step.digest]
        if step.to == "target" and self.staging and self.staging.resolve(step.digest):
            source = self.staging
        placed = copy(step.digest, source=source, target=self._store(step.to), tag=step.tag)
        if placed:
            self.say(f"        {', '.join(f'{number} blobs {how}' for how, number in sorted(placed.items()))}")

    def _attach(self, step: Attach) -> None:
        assert self.signer is not None
        subject = required(self.target, step.subject)
        bundle = self.signer.sign(step.statement.content)
        manifest = referrer(bundle, predicate_type=step.statement.predicate_type, subject=subject)
        self._put_artifact(self.target, manifest, bundle)

    def _tag(self, tag: str, digest: str, *, was: str | None) -> None:
        """No registry can compare and swap: it is looked at right before."""
        now = self.target.resolve(tag)
        if now == digest:
            return
        if now != was:
            raise MovedMeanwhileError(
                f"{self.target.name}:{tag} was moved to {short(now or 'nothing')} meanwhile",
                hint="Let one job at a time publish (in CI: a concurrency group), and run the same command again.",
            )
        self.target.put_manifest(required(self.target, digest), tag=tag)

    def _announce(self, step: Announce) -> None:
        subject = required(self.target, step.digest)
        content = f"{step.tag} goes on {step.expires} at the earliest.\n".encode()
        manifest = artifact(
            artifact_type=names.NOTICE_TYPE,
            layers={"text/plain": content},
            subject=subject.descriptor,
            annotations={names.EXPIRES: step.expires},
        )
        self._put_artifact(self.target, manifest, content)

    def _write_journal(self, step: WriteJournal) -> None:
        content = "".join(f"{digest}\n" for digest in step.digests).encode()
        manifest = artifact(artifact_type=JOURNAL_TYPE, layers={JOURNAL_TYPE: content}, subject=None, annotations={})
        self._put_artifact(self._store(step.where), manifest, content, tag=JOURNAL)

    def _drop_journal(self, step: DropJournal) -> None:
        store = self._store(step.where)
        if digest := store.resolve(JOURNAL):
            store.delete(digest)

    def _put_artifact(self, store: Store, manifest: Manifest, content: bytes, *, tag: str | None = None) -> None:
        store.put_blob(EMPTY_CONFIG, opener(EMPTY_BLOB))
        layer = next(one for one in manifest.blobs() if one.digest != EMPTY_CONFIG.digest)
        store.put_blob(blob_of(content, layer.media_type), opener(content))
        store.put_manifest(manifest, tag=tag)
