from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bakehouse.commands import clean as module
from bakehouse.commands.clean import clean
from bakehouse.errors import InfrastructureError
from bakehouse.measure.lease import hold
from bakehouse.pipeline.context import Context


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """No engine is needed to empty a folder."""

    @contextlib.contextmanager
    def no_engine(*_: object, **__: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(module, "open_engine", no_engine)
    monkeypatch.setattr(module, "reap", lambda *_, **__: 0)
    return Context(root=tmp_path, cache=tmp_path / "cache", environ={}, console=Console(file=io.StringIO()))


def test_only_our_own_folders_of_the_cache_go(context: Context) -> None:
    (context.cache / "models" / "x").mkdir(parents=True)
    (context.cache / "thesis.odt").write_text("years of work")
    clean(context, images=False, cache=True)
    assert [path.name for path in context.cache.iterdir()] == ["thesis.odt"]


def test_an_empty_cache_goes_and_a_missing_one_is_no_error(context: Context) -> None:
    (context.cache / "bases").mkdir(parents=True)
    clean(context, images=False, cache=True)
    assert not context.cache.exists()
    clean(context, images=False, cache=True)


def test_a_cache_that_is_in_use_stays(context: Context) -> None:
    with (
        hold("cpu", folder=context.cache / "leases", run="r7", exclusive=True, timeout=1.0),
        pytest.raises(InfrastructureError, match=r"is in use: a measurement of run r7"),
    ):
        clean(context, images=False, cache=True)
    assert (context.cache / "leases").exists()
