"""Where the image that was tested is: in staging, or in the engine. Never built again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError, InputError
from bakehouse.prove.image.at_rest import save_image
from bakehouse.publish.candidates import Candidate
from bakehouse.publish.index import Prepared
from bakehouse.registry.content import SHORT
from bakehouse.registry.copying import required
from bakehouse.registry.layout import open_layout_tar
from bakehouse.registry.store import Source
from bakehouse.system.process import ProgramError

OpenEngine = Callable[[], Engine]


@dataclass(kw_only=True, slots=True)
class Images:
    """Finds images by digest; what comes from the engine lies in `folder` meanwhile."""

    folder: Path
    engine: OpenEngine
    """Connects when the first image has to come from there."""
    say: Callable[[str], None]
    _saved: dict[str, Source] = field(default_factory=dict)

    def find(self, candidate: Candidate, stores: Sequence[Source]) -> Source:
        """The first store that has the whole image, else the engine. Raises InputError where none has it."""
        for store in stores:
            if store.resolve(candidate.digest):
                return store
        if candidate.digest not in self._saved:
            self._saved[candidate.digest] = self._from_engine(candidate)
        return self._saved[candidate.digest]

    def _from_engine(self, candidate: Candidate) -> Source:
        self.say(f"{candidate.cell}: reading {candidate.digest[:SHORT]} from the engine")
        tar = self.folder / f"{candidate.digest.removeprefix('sha256:')}.tar"
        self._save(candidate, tar)
        layout = open_layout_tar(tar)
        if layout.manifest(candidate.digest) is None:
            raise InputError(
                f"{candidate.cell}: the engine does not keep images as they are published, so that another digest "
                "would go out than was tested",
                hint='Turn on its containerd image store ({"features": {"containerd-snapshotter": true}} in '
                "daemon.json), and build again.",
            )
        return layout

    def _save(self, candidate: Candidate, tar: Path) -> None:
        """By the name that the store of the engine has for it."""
        ids = (one.cell.build.image for one in candidate.evidence if one.cell.build and one.cell.build.image)
        problem: InfrastructureError | None = None
        for name in dict.fromkeys([candidate.digest, *ids]):
            try:
                save_image(self.engine(), name, to=tar)
            except ProgramError as error:
                problem = error
            else:
                return
        raise InputError(
            f"{candidate.cell}: {candidate.digest[:SHORT]} is neither in staging nor in this machine's engine",
            hint="Publish where it was built (`bakehouse publish --stage` there brings it to staging), or build again.",
        ) from problem

    def forget(self, candidate: Candidate) -> None:
        """Give back its room on the disk."""
        if self._saved.pop(candidate.digest, None):
            (self.folder / f"{candidate.digest.removeprefix('sha256:')}.tar").unlink(missing_ok=True)


def prepare(candidate: Candidate, source: Source) -> Prepared:
    """Read what the index says of it. Raises InputError where the configuration is none."""
    manifest = required(source, candidate.digest)
    config = next(iter(manifest.blobs()))
    with source.open_blob(config) as file:
        try:
            content = json.loads(file.read())
        except ValueError:
            raise InputError(f"{source.name}: the configuration of {candidate.digest} is no JSON") from None
    return Prepared(candidate=candidate, manifest=manifest, config=content)
