"""What SIGTERM and SIGINT mean while something runs.

Python handles signals in its main thread only; in another thread nothing changes.

The kernel may give a signal to any thread of a process, most often when another signal came just before. Python then
notes it, but a main thread that waits in a system call learns of it only when that call returns. So while a signal has
a meaning here, a second thread wakes the main one.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

_WAKE = signal.SIGURG
"""A signal that only wakes a thread: its default is to be ignored, and no other program sends it."""
_WAKES, _BETWEEN_WAKES = 3, 0.1
"""One that comes just before the system call is lost; the next, after so many seconds, is not."""


class Terminated(KeyboardInterrupt):
    """SIGTERM: somebody who cannot press Ctrl-C wants us to end, and may soon use SIGKILL."""


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """For the whole program: SIGTERM raises Terminated inside. An ignored SIGINT stays ignored, by us alone.

    Shells start a background job of a script, and nohup starts anything, with SIGINT ignored: Ctrl-C in that terminal
    is not for it. Programs that we start would inherit this, and then not hear the SIGINT with which we end them. A
    handler that does nothing is not inherited.
    """
    if not _heard_here() or signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        with _woken(), interrupts():
            yield
        return
    signal.signal(signal.SIGINT, _ignore)
    try:
        with _woken(), interrupts():
            yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def interrupts() -> Iterator[None]:
    """Make SIGTERM raise Terminated inside, as Ctrl-C raises KeyboardInterrupt. Leaves a handler of others alone."""
    if not _heard_here() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def interrupt(*_: object) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Keep SIGINT and SIGTERM that come inside until the end: for the moment in which a program is being started.

    Without it the program can run before we know its pid, and nobody would end it.
    """
    if not _heard_here():
        yield
        return
    came: list[int] = []
    ours = [number for number in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda which, _: came.append(which)) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for which in came:
            signal.raise_signal(which)


@contextlib.contextmanager
def handed_on() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Keep SIGTERM from us inside. Gives a function that takes what to do instead; one that came before is made up for.

    So a program can be started in between, and misses none.
    """
    if not _heard_here():
        yield lambda _: None
        return
    act: Callable[[], None] | None = None
    waiting = False

    def hear(*_: object) -> None:
        nonlocal waiting
        if act:
            act()
        else:
            waiting = True

    def hand_to(receiver: Callable[[], None]) -> None:
        nonlocal act
        act = receiver
        if waiting:
            act()

    before = signal.signal(signal.SIGTERM, hear)
    try:
        yield hand_to
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _woken() -> Iterator[None]:
    """Wake the main thread for each signal, whichever thread the kernel gave it to."""
    if not _heard_here():
        yield
        return
    ours, pythons = socket.socketpair()
    pythons.setblocking(False)
    watcher = threading.Thread(target=_wake, args=(ours, threading.get_ident()), name="signals", daemon=True)
    before = signal.signal(_WAKE, _ignore)
    descriptor = signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        pythons.close()
        watcher.join()
        ours.close()
        signal.signal(_WAKE, before)


def _wake(told: socket.socket, thread: int) -> None:
    """Until the other end is closed. Python writes the number of each signal there."""
    while numbers := told.recv(64):
        if set(numbers) == {_WAKE}:
            continue
        for _ in range(_WAKES):
            signal.pthread_kill(thread, _WAKE)
            time.sleep(_BETWEEN_WAKES)


def _ignore(*_: object) -> None:
    pass


def _heard_here() -> bool:
    return threading.current_thread() is threading.main_thread()
