"""The only module that runs programs which end before we do: run one, stream one, attend one. daemon.py has the others.

Contract of everything here: no shell, no traceback for what can happen to users, and nothing is left running. A child
has a process group of its own. On Ctrl-C or SIGTERM that group gets SIGINT, then SIGTERM, then SIGKILL, and only then
does `KeyboardInterrupt` go on. All times are seconds.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import shutil
import signal
import subprocess  # noqa: TID251 - this is the module that the ban points to
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bakehouse.errors import InfrastructureError
from bakehouse.system import signals
from bakehouse.system.sink import Sink, text_of

SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where dockerd and iptables live; often not on a user's PATH."""

INTERRUPT_GRACE = 3.0
"""Between SIGINT and SIGTERM when we are interrupted: BuildKit needs a moment to cancel a build.

CI systems send SIGINT, SIGTERM 7.5 s later, and SIGKILL after 2.5 s more: what we leave must be in order by then.
"""
TERMINATE_GRACE = 1.5
"""Between SIGTERM and SIGKILL."""

TAIL_LINES = 15
_CHUNK = 1 << 16
_LINGER = 0.2
"""How long we listen for a last word when the program has ended but a grandchild holds its output open."""

_GET_DOCKER = "Install Docker Engine (https://docs.docker.com/engine/install/), on Debian: apt-get install docker.io"
HOW_TO_GET = {
    "docker": _GET_DOCKER,
    "dockerd": _GET_DOCKER,
    "nvidia-smi": "Install the NVIDIA driver.",
}
"""Hints that name more than the package of the same name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """A program that ended."""

    args: tuple[str, ...]
    code: int
    """Exit status; negative: the number of the signal that ended it."""
    stdout: str
    stderr: str


class ProgramError(InfrastructureError):
    """A program ended with a status other than 0. `stderr` has its last lines."""

    def __init__(self, done: Completed) -> None:
        said = last_lines(done.stderr) or last_lines(done.stdout) or "(it said nothing)"
        how = f"was ended by signal {-done.code}" if done.code < 0 else f"ended with status {done.code}"
        super().__init__(f"{Path(done.args[0]).name} {how}:\n{said}", hint=f"The command was: {shlex.join(done.args)}")
        self.code = done.code
        self.stderr = said


class MissingProgramError(InfrastructureError):
    """A program is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the program {name} is not installed",
            hint=HOW_TO_GET.get(name, f"Install it, for example: apt-get install {name}"),
        )
        self.name = name


class ProgramTimeoutError(InfrastructureError):
    """A program did not end in time, and was ended."""


def last_lines(text: str, count: int = TAIL_LINES) -> str:
    return "\n".join(text.rstrip().splitlines()[-count:])


def find(name: str, *, path: str | None = None) -> Path | None:
    """Look for a program on `path` (without it: the process's PATH) and in the system's sbin folders."""
    folders = os.environ.get("PATH", os.defpath) if path is None else path
    found = shutil.which(name, path=f"{folders}:{SYSTEM_FOLDERS}")
    return Path(found) if found else None


def locate(name: str, env: Mapping[str, str] | None) -> str:
    """The program's path, by the PATH of the environment it will have. Raises MissingProgramError."""
    found = find(name, path=None if env is None else env.get("PATH", os.defpath))
    if found is None:
        raise MissingProgramError(name)
    return str(found)


def run(
    args: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: bytes | None = None,  # noqa: A002 - the word that subprocess uses
    timeout: float | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end and capture what it says. `env` replaces the environment; stdin is empty or `input`.

    Raises MissingProgramError, ProgramTimeoutError, and with `check` ProgramError.
    """
    with _started(args, env=env, cwd=cwd, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise _late(args, timeout) from None
    done = _completed(args, process.returncode, stdout, stderr)
    if check and done.code != 0:
        raise ProgramError(done)
    return done


def stream(
    args: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    on_stderr: Callable[[bytes], None] | None = None,
    log: Path | None = None,
    feed: Path | None = None,
    keep_input: bool = False,
    wanted: Callable[[], bool] = lambda: True,
    timeout: float | None = None,
    check: bool = False,
) -> Completed:
    """Run a program and hand on what it says while it says it. Returns on any exit status unless `check`.

    `on_line` gets each line of both outputs, without its end. With `on_stderr`, stderr goes there instead, in raw
    chunks as they arrive. `log` gets all bytes of both. The result keeps the last mebibyte of each output.

    Its input is empty, or the file `feed`; with `keep_input` it stays open and silent, and ends when we do. `wanted` is
    asked a few times a second: once it says no, the program is ended as on Ctrl-C.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(log.open("wb")) if log else None
        given: int | IO[bytes] = subprocess.PIPE if keep_input else subprocess.DEVNULL
        given = stack.enter_context(feed.open("rb")) if feed else given
        process = stack.enter_context(_started(args, env=env, cwd=cwd, stdin=given))
        assert process.stdout is not None
        assert process.stderr is not None
        stdout = Sink(process.stdout, lines=on_line, log=file)
        stderr = Sink(process.stderr, lines=None if on_stderr else on_line, raw=on_stderr, log=file)
        deadline = None if timeout is None else time.monotonic() + timeout
        if not _pump(process, (stdout, stderr), deadline=deadline, wanted=wanted):
            raise _late(args, timeout)
        code = process.wait()
    done = _completed(args, code, bytes(stdout.kept), bytes(stderr.kept))
    if check and done.code != 0:
        raise ProgramError(done)
    return done


def attend(args: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program with our own terminal, for a person to work in. Returns its exit status as a shell would say it.

    Ctrl-C is for the program, and so is a SIGTERM that we get: it is handed on. We wait until the program has ended.
    (An interactive shell ends on neither.)
    """
    program = locate(args[0], env)
    with signals.handed_on() as hand_to, subprocess.Popen(list(args), executable=program, env=env) as process:
        hand_to(process.terminate)
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue
            return 128 - code if code < 0 else code


def _pump(
    process: subprocess.Popen[bytes],
    sinks: tuple[Sink, ...],
    *,
    deadline: float | None,
    wanted: Callable[[], bool] = lambda: True,
) -> bool:
    """Feed the sinks until the outputs are closed or the program has ended. False: the deadline came first."""
    with selectors.DefaultSelector() as selector:
        for sink in sinks:
            selector.register(sink.source, selectors.EVENT_READ, sink)
        while selector.get_map():
            if deadline is not None and time.monotonic() > deadline:
                return False
            ended = process.poll() is not None
            if not ended and not wanted():
                _end(process)
            ready = selector.select(_LINGER)
            if ended and not ready:
                break
            for key, _ in ready:
                sink = key.data
                chunk = os.read(key.fd, _CHUNK)
                if chunk:
                    sink.feed(chunk)
                else:
                    selector.unregister(sink.source)
    for sink in sinks:
        sink.finish()
    try:
        process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


@contextlib.contextmanager
def _started(
    args: Sequence[str], *, env: Mapping[str, str] | None, cwd: Path | None, stdin: int | IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    program = locate(args[0], env)
    process: subprocess.Popen[bytes] | None = None
    with signals.interrupts():
        try:
            with signals.put_off():
                process = subprocess.Popen(
                    list(args),
                    executable=program,
                    env=env,
                    cwd=cwd,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    process_group=0,
                )
            yield process
        except BaseException as error:
            if process is not None:
                _end(process)
            elif isinstance(error, OSError):
                raise InfrastructureError(f"cannot start {args[0]}: {error}") from error
            raise
        finally:
            for pipe in (process.stdin, process.stdout, process.stderr) if process is not None else ():
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group. A second Ctrl-C while we are being polite goes straight to SIGKILL."""
    try:
        for number, grace in ((signal.SIGINT, INTERRUPT_GRACE), (signal.SIGTERM, TERMINATE_GRACE)):
            _signal_group(process, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
                break
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _late(args: Sequence[str], timeout: float | None) -> ProgramTimeoutError:
    return ProgramTimeoutError(
        f"{Path(args[0]).name} did not end within {timeout:g} s and was stopped",
        hint=f"The command was: {shlex.join(args)}",
    )


def _completed(args: Sequence[str], code: int, stdout: bytes, stderr: bytes) -> Completed:
    return Completed(args=tuple(args), code=code, stdout=text_of(stdout), stderr=text_of(stderr))
