"""The zoo behind the service: sessions of onnxruntime, and what a request asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from service.pictures import Picture
from service.refused import Refused
from service.sessions import Session, sha256_of

from enrichment.memory import meter
from enrichment.models import face
from enrichment.models.base import Facts, Model
from enrichment.models.registry import FACE, registry
from enrichment.settings import EnrichmentSettings
from enrichment.work import Work
from enrichment.zoo import Zoo


class Enrichment:
    """`load` brings the critical models; the others come when they are asked for."""

    def __init__(self, settings: EnrichmentSettings) -> None:
        self._settings = settings
        self.models = registry(settings.folder)
        self._providers: list[str] = []
        self._digests: dict[str, str] = {}
        self.work = Work()
        self.zoo: Zoo[Session] | None = None

    def load(self) -> None:
        """Raises FileNotFoundError and RuntimeError that name the variable."""
        settings = self._settings
        if not settings.folder.is_dir():
            raise FileNotFoundError(f"MODEL: there is no folder {settings.folder}; mount it, or name another")
        self._digests = {name: sha256_of(one.file) for name, one in self.models.items() if one.file.is_file()}
        first = Session(self.models[FACE].file, settings)
        self._providers = first.providers
        zoo = Zoo(
            self.models,
            load=self._open,
            meter=meter(settings.device),
            budget=settings.budget,
            patience=settings.patience_s,
            work=self.work,
        )
        with self.work.working(), zoo.using(FACE):
            self.zoo = zoo

    def info(self) -> dict[str, Any]:
        zoo = self.zoo
        return {
            "device": self._settings.device,
            "providers": self._providers,
            "onnxruntime": ort.__version__,
            "models": list(self.models),
            "models_sha256": self._digests,
            "loaded": sorted(name for name, one in zoo.status().items() if one["loaded"]) if zoo else [],
        }

    def enrich(self, picture: Picture, wanted: Sequence[str]) -> dict[str, Facts]:
        """What each model says. Those of a face get the face that is found in the picture first."""
        found: dict[str, Facts] = {}
        if unknown := [name for name in wanted if name not in self.models]:
            raise Refused(422, f"there is no model {', '.join(unknown)[:200]}; there is {', '.join(self.models)}")
        of_face = [name for name in wanted if self.models[name].of_face]
        part: Picture | None = None
        if of_face or FACE in wanted:
            found[FACE] = self._ask(self.models[FACE], picture)
            box = face.box_of(found[FACE], picture)
            part = picture.cropped(box) if box else None
        for name in wanted:
            model = self.models[name]
            if name not in found:
                found[name] = self._ask_of(model, part if model.of_face else picture)
        return found

    def preload(self, names: Sequence[str]) -> None:
        """Raises Refused as `Zoo.using` does."""
        for name in names:
            with self._zoo.using(name):
                pass

    def _ask_of(self, model: Model, picture: Picture | None) -> Facts:
        return self._ask(model, picture) if picture else {"error": "no face was found"}

    def _ask(self, model: Model, picture: Picture) -> Facts:
        values = model.prepare(picture)
        with self._zoo.using(model.name) as session:
            (name,) = session.inputs
            outputs = session.run({name: values[None]})
        return model.read(outputs, picture)

    @property
    def _zoo(self) -> Zoo[Session]:
        assert self.zoo is not None
        return self.zoo

    def _open(self, name: str) -> Session:
        """Loaded and used once, so that what it takes while it computes is measured, too."""
        session = Session(self.models[name].file, self._settings, arena=False)
        (entry,) = session.inputs.values()
        shape = [one if isinstance(one, int) else 1 for one in entry.shape]
        kind = np.int32 if "int32" in entry.type else np.float32
        session.run({entry.name: np.zeros(shape, dtype=kind)})
        return session
