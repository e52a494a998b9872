"""Options and guards for every test here."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import skips

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
"""How long an example takes says how busy the machine is."""

STRICT = skips.in_ci(os.environ)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the golden files instead of comparing with them")


def _skipped(config: pytest.Config) -> Counter[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return skips.reasons(reporter.stats.get("skipped", ())) if reporter else Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A session that skipped what could have run has failed in CI. Workers of xdist leave it to their controller."""
    if STRICT and not hasattr(session.config, "workerinput") and skips.avoidable(_skipped(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    told = list(skips.lines(_skipped(config), strict=STRICT))
    if told:
        terminalreporter.section("did not run")
        for line in told:
            terminalreporter.line(line)


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    """A background job of a script starts with SIGINT ignored, and so would all that tests start."""
    before = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL))
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
