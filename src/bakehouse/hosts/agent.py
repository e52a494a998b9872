"""What is done on a host, by our own Python in a container there: `python -m bakehouse.hosts VERB`.

It prints a sign of life every few seconds. When its input ends, the machine that started it is gone, and it stops.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter

from bakehouse.engine.connection import Engine
from bakehouse.engine.host import describe_host
from bakehouse.errors import BakehouseError, InfrastructureError, InputError
from bakehouse.hosts.facts import ALIVE, ANSWER, BEAT, ENDED, HostFacts
from bakehouse.hosts.mirror import Sender
from bakehouse.hosts.places import HostFolders
from bakehouse.machine import detect, load_libraries
from bakehouse.machine.nvidia import memory_bandwidth
from bakehouse.measure.lease import hold
from bakehouse.measure.machine_speed import speed_of_machine
from bakehouse.system import process
from bakehouse.system.tarfiles import filtered

LEASE_TIMEOUT = 6 * 3600.0
LEFT_BEHIND = 2 * 86400.0
"""Seconds after which a run is not resumed any more."""
_CHUNK = 1 << 20
_ENGINE = TypeAdapter(Engine)


class Voice:
    """Lines to the process that listens, from any thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._lock = out, threading.Lock()

    def say(self, line: str) -> None:
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._out.write(line.encode("utf-8", errors="replace") + b"\n")
            self._out.flush()


def main(words: Sequence[str]) -> int:
    """Do what the arguments say. The exit status is printed, too: without it, the host was lost."""
    voice = Voice(sys.stdout.buffer)
    with beating(voice, BEAT):
        try:
            code = _VERBS[words[0]](voice, words[1:])
        except BakehouseError as error:
            voice.say(str(error))
            code = int(error.exit_code)
        except OSError as error:
            voice.say(str(error))
            code = int(InfrastructureError.exit_code)
    voice.say(f"{ENDED}{code}")
    return code


@contextlib.contextmanager
def beating(voice: Voice, seconds: float, do: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Say now and then that we are alive, and do something beside it."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            do()
            voice.say(ALIVE)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _facts(voice: Voice, words: Sequence[str]) -> int:
    """`facts VOLUME`, with the engine as JSON on the input. What runs left that were cut off long ago goes."""
    folders = HostFolders(volume=Path(words[0]))
    for left in folders.runs.glob("*"):
        if time.time() - left.stat().st_mtime > LEFT_BEHIND:
            shutil.rmtree(left, ignore_errors=True)
    machine, nvml = detect(), load_libraries().nvml
    known = {card.name: found for card in machine.cards if (found := memory_bandwidth(card, nvml))}
    host = describe_host(_ENGINE.validate_json(sys.stdin.buffer.read()), machine)
    models = [path.name for path in folders.models.glob("*") if len(path.name) == hashlib.sha256().digest_size * 2]
    voice.say(ANSWER + HostFacts(host=host, machine=machine, bandwidths=known, models=models).model_dump_json())
    return 0


def _receive(voice: Voice, words: Sequence[str]) -> int:
    """`receive FOLDER`: a tar on the input takes the place of what was there."""
    del voice
    folder = Path(words[0])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with filtered.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        tar.extractall(folder, filter="tar")
    return 0


def _model(voice: Voice, words: Sequence[str]) -> int:
    """`model FOLDER SHA256 NAME`: the file on the input, kept once its hash is right. Readable by every container."""
    del voice
    place = HostFolders(volume=Path(words[0])).model(words[1], words[2])
    place.parent.parent.mkdir(parents=True, exist_ok=True)
    part = place.parent.with_suffix(f".{os.getpid()}.part")
    part.mkdir()
    try:
        whole = hashlib.sha256()
        with (part / place.name).open("wb") as file:
            while chunk := sys.stdin.buffer.read(_CHUNK):
                whole.update(chunk)
                file.write(chunk)
        if whole.hexdigest() != words[1]:
            raise InputError(f"{place.name} arrived with the sha256 {whole.hexdigest()}, and {words[1]} was sent")
        (part / place.name).chmod(0o444)
        with contextlib.suppress(FileExistsError, OSError):  # another run brought it meanwhile
            part.rename(place.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return 0


def _speed(voice: Voice, words: Sequence[str]) -> int:
    """`speed CACHE RUN BYTES`: what the processor reaches, measured alone and once."""
    cache = Path(words[0])
    with hold("cpu", folder=cache / "leases", run=words[1], exclusive=True, timeout=LEASE_TIMEOUT):
        speed = speed_of_machine(cache, working_set=int(words[2]))
    voice.say(ANSWER + json.dumps(asdict(speed)))
    return 0


def _run(voice: Voice, words: Sequence[str]) -> int:
    """`run FOLDER PROGRAM ...`: what it says and what it writes in the folder, while it does."""
    folder = Path(words[0])
    for place in (folder / "logs", folder.parents[2] / "cache"):
        place.mkdir(parents=True, exist_ok=True)
    sender, alone = Sender(folder, voice.say), threading.Lock()

    def sync() -> None:
        with alone:
            sender.sync()

    def hear(line: str) -> None:
        sync()
        voice.say(line)

    with beating(voice, BEAT / 2, sync):
        _stop_when_input_ends()
        code = process.stream(words[1:], on_line=hear).code
    sync()
    return code


def _stop_when_input_ends() -> None:
    """The end of our input is a SIGTERM to us."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), _CHUNK):  # a buffered file would be locked when we end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _forget(voice: Voice, words: Sequence[str]) -> int:
    """`forget FOLDER`: what a run left."""
    del voice
    shutil.rmtree(words[0], ignore_errors=True)
    return 0


_VERBS: dict[str, Callable[[Voice, Sequence[str]], int]] = {
    "facts": _facts,
    "forget": _forget,
    "model": _model,
    "receive": _receive,
    "run": _run,
    "speed": _speed,
}
