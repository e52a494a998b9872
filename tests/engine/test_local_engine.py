"""The embedded engine: it starts anywhere, survives what happens to it, and leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine.conftest import SETTINGS, traces

from bakehouse.engine.connect import connect
from bakehouse.engine.embedded import bridge
from bakehouse.engine.embedded.leftovers import clean_up, find_dockerd
from bakehouse.engine.embedded.local import EmbeddedEngine, routes
from bakehouse.engine.host import describe_host
from bakehouse.errors import EngineError, InputError
from bakehouse.machine import detect
from bakehouse.system import daemon, process

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def _docker0() -> Iterator[None]:
    """Whatever we do: the bridge of the machine's own engine stays as it is."""
    before = "docker0" in interfaces()
    yield
    assert ("docker0" in interfaces()) == before


NOTHING: dict[str, list[str]] = {"processes": [], "mounts": [], "interfaces": [], "rules": []}


def engine_at(cache: Path, said: list[str] | None = None, settings: Path | None = SETTINGS) -> EmbeddedEngine:
    say: Callable[[str], None] = (said if said is not None else []).append
    return EmbeddedEngine(cache=cache, say=say, environ=os.environ, settings=settings)


def docker(engine: EmbeddedEngine, *args: str, check: bool = True) -> process.Completed:
    env = dict(os.environ) | {"DOCKER_HOST": f"unix://{engine.socket}"}
    return process.run(["docker", *args], env=env, timeout=120, check=check)


def pid_of(engine: EmbeddedEngine) -> int:
    pid = find_dockerd(engine.folders)
    assert pid is not None
    return pid


def interfaces() -> set[str]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return {line.partition(":")[0].strip() for line in lines if not line.strip().startswith("veth")}


def wait_for(condition: Callable[[], object], seconds: float = 90.0, of: Path | None = None) -> None:
    """Wait until it is so; what stands in the log `of` tells why it never was."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {of.read_text() if of else condition}"
        time.sleep(0.05)


def test_builds_runs_and_leaves_nothing(cache: Path, shell_image: Path) -> None:
    before = interfaces()
    with engine_at(cache) as engine:
        docker(engine, "build", "-q", "-t", "shell", str(shell_image))
        said = docker(engine, "run", "--rm", "shell", "/bin/sh", "-c", "echo hello").stdout
        assert said == "hello\n"
        docker(engine, "network", "create", "made-by-a-person")
    assert traces(cache) == NOTHING
    assert interfaces() == before
    with engine_at(cache) as engine:
        assert "shell" in docker(engine, "images", "--format", "{{.Repository}}").stdout
    assert traces(cache) == NOTHING
    assert interfaces() == before


def test_a_build_step_reaches_this_machine_through_the_bridge(cache: Path, shell_image: Path) -> None:
    with engine_at(cache) as engine:
        docker(engine, "build", "-q", "-t", "shell", str(shell_image))
        dockerfile = "FROM shell\nRUN cat /proc/net/route\n"
        env = dict(os.environ) | {"DOCKER_HOST": f"unix://{engine.socket}"}
        built = process.run(
            ["docker", "build", "--progress=plain", "-"], env=env, input=dockerfile.encode(), timeout=120
        )
        assert "eth0\t00000000" in built.stderr


def test_connect_starts_it_and_describes_this_machine(cache: Path, tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
    # A context of our own makes sure that no other engine of this machine answers.
    environ["DOCKER_CONFIG"] = str(tmp_path)
    if process.run(["docker", "version"], env=environ, check=False).code == 0:
        pytest.skip("an engine answers at Docker's default socket: connect would use it")
    said: list[str] = []
    with connect(cache=cache, environ=environ, say=said.append, settings=SETTINGS) as engine:
        assert engine.kind == "embedded"
        assert engine.containerd_store
        host = describe_host(engine, detect())
        assert host.cores == os.cpu_count()
        assert host.engine == f"Docker {engine.version} (embedded)"
    assert any("Starting a private Docker Engine" in line for line in said)
    assert traces(cache) == NOTHING


def test_two_users_share_it_and_the_last_one_stops_it(cache: Path) -> None:
    first, second = engine_at(cache), engine_at(cache)
    first.start()
    try:
        pid = pid_of(first)
        second.start()
        try:
            assert pid_of(second) == pid
            first.stop()
            assert docker(second, "version").code == 0
        finally:
            second.stop()
    finally:
        first.stop()
    assert traces(cache) == NOTHING


def test_two_that_start_at_once_get_one_engine(cache: Path) -> None:
    engines = [engine_at(cache) for _ in range(3)]
    threads = [threading.Thread(target=engine.start) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len([line for line in traces(cache)["processes"] if line.startswith("dockerd")]) == 1
    finally:
        for engine in engines:
            engine.stop()
    assert traces(cache) == NOTHING


def test_starts_again_after_dockerd_was_killed_in_a_build(cache: Path, shell_image: Path) -> None:
    said: list[str] = []
    engine = engine_at(cache, said)
    engine.start()
    try:
        docker(engine, "build", "-q", "-t", "shell", str(shell_image))
        docker(engine, "run", "-d", "shell", "sleep", "3333")
        env = dict(os.environ) | {"DOCKER_HOST": f"unix://{engine.socket}"}
        dockerfile = b"FROM shell\nRUN /bin/sleep 4444\n"
        build = threading.Thread(
            target=process.run,
            args=(["docker", "build", "-"],),
            kwargs={"env": env, "input": dockerfile, "check": False},
        )
        build.start()
        wait_for(lambda: sleeping("4444") and sleeping("3333"))
        os.kill(pid_of(engine), signal.SIGKILL)
        build.join()
        with pytest.raises(EngineError, match="went away"):
            engine.ensure_alive()
        with engine_at(cache) as again:
            assert not sleeping("4444")
            assert not sleeping("3333")
            assert docker(again, "run", "--rm", "shell", "/bin/sh", "-c", "echo back").stdout == "back\n"
            engine.stop()
            assert docker(again, "version").code == 0
    finally:
        engine.stop()
    assert traces(cache) == NOTHING


def sleeping(seconds: str) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if daemon.command_line(pid)[-2:] in (("sleep", seconds), ("/bin/sleep", seconds))]


def test_stop_after_a_kill_leaves_nothing(cache: Path) -> None:
    with engine_at(cache) as engine:
        os.kill(pid_of(engine), signal.SIGKILL)
    assert traces(cache) == NOTHING


def test_a_user_that_was_killed_does_not_keep_it(cache: Path) -> None:
    script = (
        "import os, sys, time; from pathlib import Path; from bakehouse.engine.embedded.local import EmbeddedEngine\n"
        "EmbeddedEngine(cache=Path(sys.argv[1]), say=print, environ=os.environ).start()\n"
        "os.kill(os.getpid(), 9)"
    )
    process.run([sys.executable, "-c", script, str(cache)], check=False, timeout=120)
    engine = engine_at(cache)
    running = pid_of(engine)
    with engine:
        assert pid_of(engine) == running
    assert traces(cache) == NOTHING


def test_stale_pid_and_socket_of_another_process_are_no_obstacle(cache: Path) -> None:
    bystander = daemon.start(["sleep", "60"], log=cache / "bystander.log")
    try:
        engine = engine_at(cache)
        containerd = engine.folders.exec / "containerd"
        containerd.mkdir(parents=True)
        engine.folders.pidfile.write_text(str(bystander))
        (containerd / "containerd.pid").write_text(str(bystander))
        engine.folders.socket.touch()
        with engine:
            assert docker(engine, "version").code == 0
        assert daemon.alive(bystander)
    finally:
        daemon.stop(bystander, grace=1)
    assert traces(cache) == NOTHING


def test_an_engine_started_by_hand_is_used_and_not_stopped(cache: Path) -> None:
    engine = engine_at(cache)
    with engine:
        by_hand = json.loads(engine.folders.config.read_text())
    # A bridge of its own here too: without one, dockerd deletes docker0.
    by_hand["bridge"] = bridge.create_bridge("bakehouse-hand", routes=routes()).name
    (cache / "by-hand.json").write_text(json.dumps(by_hand))
    log = cache / "by-hand.log"
    # dockerd looks for its proxy on PATH, which often lacks the system's folders.
    path = {"PATH": f"{os.environ['PATH']}:{process.SYSTEM_FOLDERS}"}
    pid = daemon.start(["dockerd", "--config-file", str(cache / "by-hand.json")], log=log, env=os.environ | path)
    try:
        wait_for(engine.socket.exists, of=log)
        with engine_at(cache) as user:
            assert docker(user, "version").code == 0
        assert daemon.alive(pid)
    finally:
        daemon.stop(pid, grace=30)
        clean_up(engine.folders)  # in a container, dockerd leaves its data folder mounted on itself
        bridge.remove_bridge("bakehouse-hand")


def test_a_long_path_moves_the_sockets(cache: Path) -> None:
    deep = cache / ("deep" * 12) / ("deeper" * 8)
    engine = engine_at(deep)
    with engine:
        assert docker(engine, "version").code == 0
        assert engine.folders.runtime.parent == Path("/run")
    assert not engine.folders.runtime.exists()
    assert traces(deep) == NOTHING


def test_an_engine_that_ends_while_it_starts_shows_its_last_words(cache: Path, tmp_path: Path) -> None:
    settings = tmp_path / "daemon.json"
    settings.write_text('{"no-such-setting": true}')
    with pytest.raises(EngineError) as caught:
        engine_at(cache, settings=settings).start()
    assert "no-such-setting" in str(caught.value)
    assert "buildkit/daemon.json" in str(caught.value)
    assert traces(cache) == NOTHING
    with engine_at(cache) as engine:
        assert docker(engine, "version").code == 0


def test_settings_that_are_no_json_name_the_line(cache: Path, tmp_path: Path) -> None:
    settings = tmp_path / "daemon.json"
    settings.write_text('{\n"a": }')
    with pytest.raises(InputError, match=r"daemon\.json:2"):
        engine_at(cache, settings=settings).start()
    assert traces(cache) == NOTHING


def test_interrupted_while_it_starts_it_leaves_nothing(cache: Path) -> None:
    timer = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        engine_at(cache).start()
    timer.join()
    assert traces(cache) == NOTHING


def test_the_data_folder_can_be_removed_by_hand_between_runs(cache: Path) -> None:
    with engine_at(cache):
        pass
    shutil.rmtree(cache / "engine")
    with engine_at(cache) as engine:
        assert docker(engine, "version").code == 0
