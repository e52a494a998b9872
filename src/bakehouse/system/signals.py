"""What SIGTERM and SIGINT mean while something runs.

Python hears signals in its main thread only; elsewhere nothing changes.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


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
        with interrupts():
            yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with interrupts():
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


def _heard_here() -> bool:
    return threading.current_thread() is threading.main_thread()
