from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from bakehouse.system import process, signals


def terminate_ourselves() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_it_can_mean_an_interruption() -> None:
    with pytest.raises(KeyboardInterrupt), signals.interrupts():
        terminate_ourselves()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_of_somebody_else_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        with signals.interrupts():
            terminate_ourselves()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [1]


def test_it_can_be_handed_on_also_when_it_came_too_early() -> None:
    heard: list[int] = []
    with signals.handed_on() as hand_to:
        terminate_ourselves()
        assert heard == []
        hand_to(lambda: heard.append(1))
        assert heard == [1]
        terminate_ourselves()
    assert heard == [1, 1]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_outside_the_main_thread_nothing_changes() -> None:
    seen: list[object] = []

    def look() -> None:
        with signals.interrupts(), signals.handed_on() as hand_to:
            hand_to(lambda: seen.append("handed on"))
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


def test_sigterm_is_told_from_ctrl_c() -> None:
    with pytest.raises(signals.Terminated), signals.heard():
        terminate_ourselves()
    with pytest.raises(KeyboardInterrupt) as caught, signals.heard():
        os.kill(os.getpid(), signal.SIGINT)
    assert not isinstance(caught.value, signals.Terminated)


GIVEN_TO_ANOTHER_THREAD = """
import signal, sys, threading, time
from bakehouse.system import process, signals

def later(thread):
    time.sleep(0.3)
    signal.pthread_kill(thread.ident, signal.SIGTERM)

other = threading.Thread(target=time.sleep, args=(20,), daemon=True)
other.start()
begun = time.monotonic()
with signals.heard():
    threading.Thread(target=later, args=(other,), daemon=True).start()
    try:
        WAIT
    except signals.Terminated:
        sys.exit(0 if time.monotonic() - begun < 15 else 1)
sys.exit(2)
"""


@pytest.mark.parametrize("wait", ["time.sleep(20)", "process.run(['sleep', '20'])", "other.join()"])
def test_it_is_heard_also_when_the_kernel_gave_it_to_another_thread(wait: str) -> None:
    assert process.run([sys.executable, "-c", GIVEN_TO_ANOTHER_THREAD.replace("WAIT", wait)], check=False).code == 0


def test_one_that_comes_while_a_program_starts_waits_until_we_know_the_program() -> None:
    steps: list[str] = []

    def start() -> None:
        with signals.put_off():
            terminate_ourselves()
            steps.append("started")
        steps.append("not reached")

    with pytest.raises(signals.Terminated), signals.heard():
        start()
    assert steps == ["started"]


def test_an_ignored_ctrl_c_stays_ignored_by_us_and_is_not_inherited() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals.heard():
            os.kill(os.getpid(), signal.SIGINT)
            interrupted = process.run(["sh", "-c", "kill -INT $$; sleep 0"], check=False)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupted.code == -signal.SIGINT
