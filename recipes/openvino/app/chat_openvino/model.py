"""The model: requests join the batch at any step, and leave it when they are done (continuous batching)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import openvino
import openvino_genai as genai
from service.batching import QueueFullError, StoppingError

from chat_openvino.settings import ChatSettings

REASONS = {genai.GenerationFinishReason.STOP: "stop", genai.GenerationFinishReason.LENGTH: "length"}
Finish = Literal["stop", "length"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a client asks of an answer."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(slots=True, eq=False)
class Answer:
    """One request on its way. Tokens come through `pieces`, the last with why it ended."""

    ids: Any
    wish: Wish
    loop: asyncio.AbstractEventLoop
    pieces: asyncio.Queue[tuple[Sequence[int], str | None] | Exception] = field(default_factory=asyncio.Queue)
    handle: Any = None
    gone: bool = False
    """Whether the client has left."""

    def tell(self, piece: tuple[Sequence[int], str | None] | Exception) -> None:
        self.loop.call_soon_threadsafe(self.pieces.put_nowait, piece)


class Writer:
    """Loaded by `load`, beside the event loop; one thread of its own steps the pipeline."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._pipeline: Any = None
        self.tokenizer: Any = None
        self._digest = ""
        self._inbox: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._active: list[Answer] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self.held = 0
        """Requests that were accepted and are not answered yet."""
        self._stopping = False

    def load(self) -> None:
        """Raises FileNotFoundError naming the variable, RuntimeError where the device is not there."""
        settings = self._settings
        if not settings.model.is_file():
            raise FileNotFoundError(f"MODEL: there is no file {settings.model}; mount it, or name another")
        there = openvino.Core().available_devices
        if not any(device.split(".")[0] == settings.device.split(".")[0] for device in there):
            raise RuntimeError(f"DEVICE={settings.device}: OpenVINO sees {', '.join(there)}; is /dev/dri there?")
        self._digest = _sha256(settings.model)
        schedule = genai.SchedulerConfig()
        schedule.cache_size = settings.cache_gib
        schedule.max_num_seqs = settings.max_batch
        with _readable(settings.model) as path:
            self._pipeline = genai.ContinuousBatchingPipeline(str(path), schedule, settings.device)
        self.tokenizer = self._pipeline.get_tokenizer()
        self._pipeline.generate(["warm"], [self._config(Wish(max_tokens=2, temperature=0.0))])
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    def info(self) -> dict[str, Any]:
        return {
            "model": self._settings.name,
            "model_sha256": self._digest,
            "device": self._settings.device,
            "accelerator": "xpu" if self._settings.device.startswith("GPU") else "cpu",
            "openvino": openvino.get_version(),
        }

    async def write(self, ids: Any, wish: Wish) -> AsyncIterator[tuple[Sequence[int], str | None]]:
        """Tokens as they come. Raises QueueFullError, StoppingError."""
        if self._stopping:
            raise StoppingError
        if self.held >= self._settings.max_queue:
            raise QueueFullError
        answer = Answer(ids=ids, wish=wish, loop=asyncio.get_running_loop())
        self.held += 1
        self._inbox.put(answer)
        try:
            while True:
                piece = await answer.pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if piece[1] is not None:
                    return
        finally:
            answer.gone = True
            self.held -= 1

    def stop(self) -> None:
        """Finish what was taken, then end."""
        self._stopping = True
        self._inbox.put(None)
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        open_to_more = True
        while open_to_more or self._active:
            open_to_more = self._take(wait=not self._active) and open_to_more
            if self._active:
                try:
                    self._step()
                except Exception as error:  # noqa: BLE001 - each client is told; the service lives on
                    for answer in self._active:
                        answer.tell(error)
                    self._active.clear()

    def _take(self, *, wait: bool) -> bool:
        """Let those that wait join. False: the end was told."""
        while True:
            try:
                answer = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            if answer is None:
                return False
            wait = False
            try:
                answer.handle = self._pipeline.add_request(next(self._numbers), answer.ids, self._config(answer.wish))
                self._active.append(answer)
            except Exception as error:  # noqa: BLE001 - told to the one who asked
                answer.tell(error)

    def _step(self) -> None:
        self._pipeline.step()
        for answer in tuple(self._active):
            if answer.gone:
                answer.handle.cancel()
                self._active.remove(answer)
                continue
            ids: list[int] = []
            reason = genai.GenerationFinishReason.NONE
            while answer.handle.can_read():
                for output in answer.handle.read().values():
                    ids += output.generated_ids
                    reason = output.finish_reason
            done = answer.handle.get_status() != genai.GenerationStatus.RUNNING
            if ids or done:
                answer.tell((ids, REASONS.get(reason, "stop") if done else None))
            if done:
                self._active.remove(answer)

    def _config(self, wish: Wish) -> Any:
        config = genai.GenerationConfig()
        config.max_new_tokens = wish.max_tokens
        config.apply_chat_template = False
        config.eos_token_id = self.tokenizer.get_eos_token_id()
        config.stop_strings = set(wish.stop)
        config.do_sample = wish.temperature > 0
        if config.do_sample:
            config.temperature, config.top_p = wish.temperature, wish.top_p
            if wish.seed is not None:
                config.rng_seed = wish.seed % (1 << 63)  # OpenAI's may be negative
        return config


@contextlib.contextmanager
def _readable(model: Path) -> Iterator[Path]:
    """What OpenVINO GenAI reads: the folder of a converted model, or a GGUF file.

    Its reader of GGUF opens the file for writing (it changes nothing), so that of a read-only mount it gets a copy,
    for the time of loading. Raises RuntimeError where there is no room for it.
    """
    if model.suffix != ".gguf":
        yield model.parent
    elif os.access(model, os.W_OK):
        yield model
    else:
        with tempfile.TemporaryDirectory() as folder:
            try:
                copy = Path(shutil.copy(model, folder))
            except OSError as error:
                raise RuntimeError(
                    f"MODEL: {model} is read-only, which OpenVINO's reader of GGUF does not take, and no copy fits "
                    f"into {tempfile.gettempdir()} ({error.strerror}); mount a larger tmpfs there, or convert the model"
                ) from error
            yield copy


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
