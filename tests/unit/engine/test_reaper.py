from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bakehouse.engine import reaper
from bakehouse.engine.connection import Engine
from bakehouse.engine.objects import Kind, Labelled
from bakehouse.engine.owner import identity
from bakehouse.engine.reaper import reap

ENGINE = Engine(kind="external", host=None, version="", buildx="", containerd_store=True)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ALIVE = identity()
DEAD = ALIVE.rpartition("/")[0] + "/1"
OTHER_BOOT = f"1:{'0' * 8}/{ALIVE.split('/')[1]}/1"


def thing(name: str, owner: str, *, kind: Kind = "container", running: bool = True, hours: float = 0) -> Labelled:
    return Labelled(
        kind=kind,
        name=name,
        labels={"io.bakehouse.pid": owner, "io.bakehouse.run": "r0"},
        running=running,
        created=NOW - timedelta(hours=hours),
    )


class FakeDocker:
    def __init__(self, *things: Labelled) -> None:
        self.things = things
        self.asked: list[str] = []
        self.removed: list[str] = []
        self.gone: set[str] = set()

    def labelled(self, label: str) -> list[Labelled]:
        self.asked.append(label)
        return list(self.things)

    def remove(self, kind: Kind, name: str) -> bool:
        self.removed.append(f"{kind} {name}")
        return name not in self.gone


def reaped(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, run: str | None = None) -> list[str]:
    def connect(engine: Engine) -> FakeDocker:
        return docker

    monkeypatch.setattr(reaper, "Docker", connect)
    said: list[str] = []
    count = reap(ENGINE, say=said.append, run=run, now=lambda: NOW)
    assert count == len(said)
    return said


def test_only_what_a_dead_process_left_goes_and_containers_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(
        thing("net", DEAD, kind="network"),
        thing("left", DEAD),
        thing("used", ALIVE),
        thing("foreign", "no owner of ours"),
    )
    assert reaped(docker, monkeypatch) == [
        "removed the container left that run r0 had left behind",
        "removed the network net that run r0 had left behind",
    ]
    assert docker.removed == ["container left", "network net"]
    assert docker.asked == ["io.bakehouse.pid"]


@pytest.mark.parametrize(("running", "hours", "goes"), [(True, 48, False), (False, 0.5, False), (False, 2, True)])
def test_another_boot_may_be_another_machine(
    monkeypatch: pytest.MonkeyPatch, *, running: bool, hours: float, goes: bool
) -> None:
    docker = FakeDocker(thing("old", OTHER_BOOT, running=running, hours=hours))
    assert bool(reaped(docker, monkeypatch)) is goes


def test_at_the_end_of_a_run_all_of_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(thing("mine", ALIVE))
    assert len(reaped(docker, monkeypatch, run="r0")) == 1
    assert docker.asked == ["io.bakehouse.run=r0"]


def test_what_somebody_else_removed_meanwhile_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(thing("left", DEAD))
    docker.gone.add("left")
    assert reaped(docker, monkeypatch) == []
