"""The model: samples in, segments of text with their times out."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment
from service.settings import usable_threads

from transcriber.recording import RATE, Samples, as_floats
from transcriber.settings import TranscriberSettings

BESIDE = ("config.json", "tokenizer.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One piece of work."""

    samples: Samples
    language: str | None
    prompt: str | None
    temperature: float | None
    """None: greedy, and warmer where the answer looks wrong."""
    words: bool
    """Whether each word gets its times."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for it any more: the next half minute of it is not begun."""

    @property
    def seconds(self) -> float:
        return self.samples.size / RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    language: str
    seconds: float
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments).strip()


class Transcriber:
    """Loaded by `load`, beside the event loop; used by one thread."""

    def __init__(self, settings: TranscriberSettings) -> None:
        self._settings = settings
        self._model: WhisperModel | None = None
        self._digest = ""

    def load(self) -> None:
        """Raises FileNotFoundError naming the variable, RuntimeError where another device would compute."""
        settings = self._settings
        folder = settings.model.parent
        for file in (settings.model, *(folder / name for name in BESIDE)):
            if not file.is_file():
                raise FileNotFoundError(f"MODEL: there is no file {file}; mount it, or name another")
        if settings.device == "cuda" and not ctranslate2.get_cuda_device_count():
            raise RuntimeError("DEVICE=cuda: CTranslate2 sees no card; is the driver there?")
        self._digest = _sha256(settings.model)
        self._model = WhisperModel(
            str(folder),
            device=settings.device,
            compute_type=settings.numbers,
            cpu_threads=usable_threads(settings.threads),
            local_files_only=True,
        )
        self._warm_up()

    def info(self) -> dict[str, Any]:
        inner = self._model.model if self._model else None
        return {
            "model": self._settings.model_name,
            "model_sha256": self._digest,
            "multilingual": inner.is_multilingual if inner else None,
            "device": inner.device if inner else self._settings.device,
            "compute_type": inner.compute_type if inner else self._settings.numbers,
            "ctranslate2": ctranslate2.__version__,
        }

    @property
    def languages(self) -> Sequence[str]:
        assert self._model is not None
        return tuple(self._model.supported_languages)

    def transcribe(self, recordings: Sequence[Recording]) -> list[Transcript]:
        return [self._one(recording) for recording in recordings]

    def _one(self, recording: Recording) -> Transcript:
        assert self._model is not None
        found, facts = self._model.transcribe(
            as_floats(recording.samples),
            language=recording.language,
            initial_prompt=recording.prompt,
            beam_size=self._settings.beam_size,
            word_timestamps=recording.words,
            **({} if recording.temperature is None else {"temperature": recording.temperature}),
        )
        segments = tuple(itertools.takewhile(lambda _: not recording.gone.is_set(), found))
        return Transcript(language=facts.language, seconds=recording.seconds, segments=segments)

    def _warm_up(self) -> None:
        """A second of silence: the first inference makes buffers."""
        silence = np.zeros(RATE, dtype=np.int16)
        self._one(Recording(samples=silence, language="en", prompt=None, temperature=0.0, words=False))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
