"""A fleet of two engines on this machine: one reached by a Docker context, the other by ssh on loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.doubles import registry
from tests.engine.conftest import SETTINGS, Ground
from tests.engine.sshd import Sshd, serving
from tests.engine.toy import Toy

from bakehouse.engine.container import RUN_LABEL
from bakehouse.engine.embedded.leftovers import Folders, find_dockerd
from bakehouse.engine.embedded.local import EmbeddedEngine, folders_for
from bakehouse.errors import ExitCode
from bakehouse.model.enums import Verdict
from bakehouse.system import process

ROUNDS = 1_500_000
"""Of a shell's loop: a second or two of the processor."""

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    toy: Toy
    sshd: Sshd
    blue: str
    """Address of the engine that builds, which a context reaches as well."""
    green: EmbeddedEngine
    """The engine that only ssh reaches."""

    def write(self, flag_sets: dict[str, dict[str, str]], *, start_period: float = 20.0) -> None:
        self.toy.write(flag_sets, start_period=start_period)
        hosts = {
            "blue": {"context": "blue", "socket": self.blue.removeprefix("unix://"), "cards": ["cpu"]},
            "green": {"ssh": self.sshd.address, "socket": str(self.green.socket), "cards": ["cpu"]},
        }
        matrix = self.toy.root / "matrix.yaml"
        matrix.write_text(f"{matrix.read_text()}{yaml.safe_dump({'hosts': hosts})}")

    def containers(self, engine: EmbeddedEngine) -> list[str]:
        env = dict(os.environ) | {"DOCKER_HOST": f"unix://{engine.socket}"}
        return process.run(["docker", "ps", "-aq", "--filter", f"label={RUN_LABEL}"], env=env).stdout.split()


@pytest.fixture
def green(cache: Path) -> Iterator[EmbeddedEngine]:
    """A second private engine, with nothing in it."""
    with EmbeddedEngine(cache=cache, say=print, environ=os.environ, settings=SETTINGS) as engine:
        yield engine


@pytest.fixture(scope="module")
def sshd(needs_embedded: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serving(tmp_path_factory.mktemp("sshd")) as found:
        yield found


@pytest.fixture
def fleet(toy: Toy, ground: Ground, sshd: Sshd, green: EmbeddedEngine, tmp_path: Path) -> Fleet:
    settings = tmp_path / "docker"
    toy.environ |= {"DOCKER_CONFIG": str(settings), "PATH": f"{sshd.programs}:{toy.environ['PATH']}"}
    where = ground.engine.host or "unix:///var/run/docker.sock"
    words = ["docker", "context", "create", "blue", "--docker", f"host={where}"]
    process.run(words, env=toy.environ)
    return Fleet(toy=toy, sshd=sshd, blue=where, green=green)


def test_two_engines_test_what_was_built_once_and_one_report_tells(fleet: Fleet) -> None:
    toy = fleet.toy
    fleet.write({name: {} for name in ("one", "two", "three", "four")})
    planned = toy.run("plan")
    assert "hosts: blue tests 2 cells, green tests 2 cells" in planned.said

    done = toy.start("build-matrix", "--quick", "--workers", "1").end(180)
    assert done.code == ExitCode.OK, done.said
    cells = {cell.flag_set: cell for cell in toy.report.cells}
    assert {cell.verdict for cell in cells.values()} == {Verdict.PASSED}
    assert {name: cell.tested_by for name, cell in cells.items()} == {
        "four": "blue", "one": "green", "three": "blue", "two": "green",
    }  # fmt: skip
    for cell in cells.values():
        assert len(cell.tests) == 2
        assert cell.host
        assert cell.host.engine.endswith("(external)")
        for test in cell.tests:
            assert (toy.folders[-1] / test.container_log).is_file()
    assert "green: brought 2 images of 2 and 1 model of 1" in done.said
    assert fleet.containers(fleet.green) == []
    assert not list(fleet.green.folders.data.glob("volumes/bakehouse/_data/runs/*"))
    summary = (toy.folders[-1] / "summary.md").read_text()
    assert "| Tested on |" in summary

    again = toy.run("build-matrix", "--quick", "--workers", "1", "--only", "*-one-*", "--host", "green")
    assert again.code == ExitCode.OK, again.said
    assert "green: brought 0 images of 1 and 0 models of 1" in again.said
    assert toy.cell("one").tested_by == "green"


def test_a_host_that_dies_costs_what_it_had_not_finished_and_nothing_else(fleet: Fleet) -> None:
    toy = fleet.toy
    fleet.write({"one": {}, "three": {}, "two": {"TOY": "never-healthy"}, "four": {}}, start_period=240.0)
    running = toy.start("build-matrix", "--quick", "--workers", "1")
    running.wait_for("toy-cpu-one-amd64: 2 of 2 tests passed", 240)
    pid = find_dockerd(fleet.green.folders)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    done = running.end()
    assert done.code == ExitCode.CELL_FAILED, done.said
    cells = {cell.flag_set: cell for cell in toy.report.cells}
    assert {name for name, cell in cells.items() if cell.verdict is Verdict.PASSED} == {"one", "three", "four"}
    assert cells["two"].verdict is Verdict.ERRORED, "a host that is lost is no failed test"
    assert "host green went away" in cells["two"].reason
    assert cells["one"].tested_by == "green"


def test_ctrl_c_ends_what_runs_on_hosts(fleet: Fleet) -> None:
    toy = fleet.toy
    fleet.write({"one": {"TOY": "never-healthy"}, "two": {"TOY": "never-healthy"}}, start_period=240.0)
    running = toy.start("build-matrix", "--quick", "--workers", "1")
    running.wait_for(lambda: len(fleet.containers(fleet.green)) == 2, 240)  # the suite, and a server that it started
    running.send(signal.SIGINT)
    done = running.end(60)
    assert done.code == ExitCode.INTERRUPTED, done.said
    assert fleet.containers(fleet.green) == []
    assert toy.containers == []


def cpu_seconds(folders: Folders) -> float:
    """What an engine and all that it ran have used: proc(5), fields 14 to 17."""
    pid = find_dockerd(folders)
    assert pid is not None
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.usefixtures("embedded")
def test_a_second_machine_compiles_nothing_that_the_first_has_compiled(
    toy: Toy, ground: Ground, green: EmbeddedEngine
) -> None:
    """Each cell compiles for a while; what the second engine still does is to fetch layers and to name images."""
    work = f"i=0; while [ $i -lt {ROUNDS} ]; do i=$((i+1)); done"
    toy.write({"one": {"STEP": work}, "two": {"STEP": f"{work}; true"}})
    used = []
    with registry.serving(registry.FakeRegistry()) as shared:
        cache = {"BAKEHOUSE_BUILD_CACHE": f"{shared.host}/cache"}
        for folders in (folders_for(ground.cache), green.folders):
            before = cpu_seconds(folders)
            done = toy.run("build-matrix", "--no-tests", DOCKER_HOST=f"unix://{folders.socket}", **cache)
            assert done.code == ExitCode.OK, done.said
            used.append(cpu_seconds(folders) - before)
    for cell in toy.report.cells:
        assert cell.build
        steps = [step for step in cell.build.steps if "RUN" in step.name or "COPY" in step.name]
        assert len(steps) >= 3
        assert all(step.cached for step in steps), "nothing is done twice"
    assert used[1] < used[0], f"CPU seconds: {used[0]:.1f}, then {used[1]:.1f}"
