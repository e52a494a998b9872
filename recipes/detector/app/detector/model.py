"""The model and its family, behind the service: loaded beside the event loop, then used by one thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from detection.adapters.base import Adapter, Choice, Prepared
from detection.adapters.choose import choose
from detection.boxes import Found
from service.pictures import Picture
from service.sessions import Array, Session

from detector.settings import DetectorSettings

Outputs = tuple[Mapping[str, Array], int]
"""Of a batch, and the row of one picture."""


class Detector:
    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self._session: Session | None = None
        self._adapter: Adapter | None = None
        self.names: tuple[str, ...] = ()
        self.wanted: frozenset[str] = frozenset()
        self.batches = False

    def load(self) -> None:
        """Raises what is wrong with which variable; after it, one picture and a full batch were computed."""
        settings = self._settings
        self.names = settings.names()
        self.wanted = settings.wanted(self.names)
        session = Session(settings.model, settings)
        (entry,) = session.inputs.values()
        outputs = {name: one.shape for name, one in session.outputs.items()}
        self._adapter = choose(settings.family, input_shape=entry.shape, outputs=outputs, classes=len(self.names))
        self._session = session
        self.batches = not isinstance(entry.shape[0], int)
        self._warm_up()

    def info(self) -> dict[str, Any]:
        if not (self._session and self._adapter):
            return {}
        return {
            **self._session.info(),
            "family": type(self._adapter).__name__.lower(),
            "input": [self._adapter.width, self._adapter.height],
            "classes": len(self.names),
            "max_batch": self._settings.max_batch if self.batches else 1,
        }

    @property
    def enough(self) -> int:
        """Pixels of a side that the model sees."""
        assert self._adapter is not None
        return max(self._adapter.width, self._adapter.height)

    def prepare(self, picture: Picture) -> Prepared:
        assert self._adapter is not None
        return self._adapter.prepare(picture)

    def infer(self, pictures: Sequence[Prepared]) -> list[Outputs]:
        """One inference; one for each where the model takes no batch."""
        if not self.batches:
            return [(self._run([one]), 0) for one in pictures]
        outputs = self._run(pictures)
        return [(outputs, row) for row in range(len(pictures))]

    def found(self, prepared: Prepared, outputs: Outputs, choice: Choice) -> Found:
        """Detections in pixels of the picture."""
        assert self._adapter is not None
        return prepared.placed(self._adapter.found(*outputs, choice))

    def _run(self, pictures: Sequence[Prepared]) -> dict[str, Array]:
        assert self._session is not None
        (name,) = self._session.inputs
        return self._session.run({name: np.stack([one.values for one in pictures])})

    def _warm_up(self) -> None:
        assert self._adapter is not None
        width, height = self._adapter.width, self._adapter.height
        blank = Prepared(
            values=np.zeros((3, height, width), dtype=np.float32), width=width, height=height, across=1.0, down=1.0
        )
        for count in sorted({1, self._settings.max_batch}):
            self.infer([blank] * count)
