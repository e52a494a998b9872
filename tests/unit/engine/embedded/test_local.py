"""The embedded engine's configuration; that it starts and stops is tested with a real one in tests/engine."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from bakehouse.engine.embedded.bridge import Bridge
from bakehouse.engine.embedded.local import LONGEST_SOCKET, engine_config, folders_for, prepare_cgroups

PROJECT = Path(__file__).parents[4]
BRIDGE = Bridge(name="bakehouse-12345", subnet=IPv4Network("10.210.77.0/24"))


def test_everything_lies_below_the_cache(tmp_path: Path) -> None:
    folders = folders_for(Path("/c"))
    assert (folders.data, folders.socket) == (Path("/c/engine/data"), Path("/c/engine/docker.sock"))


@pytest.mark.parametrize("length", [1, 50, 60, 70, 200])
def test_sockets_always_fit_the_kernel(length: int) -> None:
    folders = folders_for(Path("/" + "é" * length), run=Path("/run"))
    for socket in (folders.socket, folders.exec / "containerd/containerd-debug.sock"):
        assert len(bytes(socket)) <= LONGEST_SOCKET
    assert folders.engine == Path("/" + "é" * length) / "engine"


def test_two_long_paths_get_two_runtime_folders() -> None:
    first, second = (folders_for(Path("/" + "x" * 100 + name)).runtime for name in "ab")
    assert first != second
    assert first.parent == Path("/run")


def test_a_cache_behind_a_link_is_the_same_engine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert folders_for(tmp_path / "link") == folders_for(tmp_path / "real")


def test_settings_of_people_stay_and_what_makes_it_private_wins() -> None:
    written = {"registry-mirrors": ["https://mirror"], "data-root": "/var/lib/docker", "features": {"buildkit": True}}
    config = engine_config(folders_for(Path("/c")), base=written, network=BRIDGE, mtu=1400)
    assert config["registry-mirrors"] == ["https://mirror"]
    assert config["data-root"] == "/c/engine/data"
    assert config["features"] == {"buildkit": True, "containerd-snapshotter": True}
    assert config["hosts"] == ["unix:///c/engine/docker.sock"]
    assert (config["bridge"], config["iptables"], config["mtu"]) == ("bakehouse-12345", False, 1400)


def test_folders_of_specifications_switch_cdi_on() -> None:
    config = engine_config(folders_for(Path("/c")), base={}, network=BRIDGE, cdi=("/etc/cdi", "/c/engine/cdi"))
    assert config["features"] == {"containerd-snapshotter": True, "cdi": True}
    assert config["cdi-spec-dirs"] == ["/etc/cdi", "/c/engine/cdi"]
    assert "cdi-spec-dirs" not in engine_config(folders_for(Path("/c")), base={}, network=BRIDGE)


def test_settings_that_would_reach_the_machines_own_engine_are_left_out() -> None:
    written = {
        "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}],
        "bip": "10.1.1.1/24",
        "live-restore": True,
    }
    config = engine_config(folders_for(Path("/c")), base=written, network=BRIDGE)
    assert not written.keys() & config.keys()
    assert "mtu" not in config


def test_the_projects_settings_are_json_that_keeps_ports_local() -> None:
    settings = json.loads((PROJECT / "buildkit" / "daemon.json").read_text())
    assert settings["ip"] == "127.0.0.1"
    assert settings["features"]["containerd-snapshotter"] is True


class TestCgroups:
    def test_in_a_container_processes_move_to_a_leaf(self, tmp_path: Path) -> None:
        for name, text in (
            ("controllers", "cpu memory"),
            ("type", "domain"),
            ("procs", "1\n42\n"),
            ("subtree_control", ""),
        ):
            (tmp_path / f"cgroup.{name}").write_text(text)
        prepare_cgroups(tmp_path, systemd=tmp_path / "no-systemd")
        assert (tmp_path / "init/cgroup.procs").read_text() == "42"
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"

    @pytest.mark.parametrize("missing", ["cgroup.controllers", "cgroup.type"])
    def test_on_version_1_and_in_the_true_root_nothing_moves(self, tmp_path: Path, missing: str) -> None:
        for name in {"cgroup.controllers", "cgroup.type", "cgroup.procs"} - {missing}:
            (tmp_path / name).write_text("1\n")
        prepare_cgroups(tmp_path, systemd=tmp_path / "no-systemd")
        assert not (tmp_path / "init").exists()

    def test_under_systemd_nothing_moves(self, tmp_path: Path) -> None:
        for name in ("controllers", "type", "procs"):
            (tmp_path / f"cgroup.{name}").write_text("1\n")
        prepare_cgroups(tmp_path, systemd=tmp_path)
        assert not (tmp_path / "init").exists()
