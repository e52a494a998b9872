"""What belongs to one engine folder, and what does not."""

from __future__ import annotations

from pathlib import Path

from bakehouse.engine.embedded.leftovers import (
    Folders,
    clean_up,
    find_dockerd,
    find_foreign_dockerd,
    mounts_below,
    roots_on,
)
from bakehouse.system import daemon, process

MOUNTS = r"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 254:0 /c/engine/data /c/engine/data rw - ext4 /dev/vda rw
31 30 0:40 / /c/engine/data/rootfs/overlayfs/ab rw - overlay overlay rw,upperdir=/c/engine/data/x
32 22 0:41 / /c/engine-of-another rw - tmpfs tmpfs rw
33 30 0:42 / /c/engine/data/a\040b rw - tmpfs tmpfs rw
34 30 0:42 / /c/engine/data rw - tmpfs tmpfs rw
"""


def folders(tmp_path: Path) -> Folders:
    return Folders(engine=tmp_path, runtime=tmp_path)


def test_mounts_below_come_deepest_and_latest_first() -> None:
    assert mounts_below(Path("/c/engine"), mountinfo=MOUNTS) == [
        "/c/engine/data/rootfs/overlayfs/ab",
        "/c/engine/data/a b",
        "/c/engine/data",
        "/c/engine/data",
    ]


def test_a_container_of_ours_has_its_root_on_our_snapshots() -> None:
    ours = "1 2 0:1 / / rw - overlay overlay rw,lowerdir=/c/engine/data/containerd/1/fs,upperdir=/c/engine/data/2/fs\n"
    other = "1 2 0:1 / / rw - overlay overlay rw,lowerdir=/c/engine/data-2/1/fs\n"
    assert roots_on(Path("/c/engine/data"), mountinfo=ours)
    assert not roots_on(Path("/c/engine/data"), mountinfo=other)
    assert not roots_on(Path("/c/engine/data"), mountinfo=MOUNTS)


def fake_dockerd(tmp_path: Path, *args: str) -> int:
    """A process that looks like dockerd in the list of processes: `tail -f` under its name."""
    program = tmp_path / "dockerd"
    if not program.exists():
        program.symlink_to(process.find("tail") or "/bin/tail")
    (tmp_path / "daemon.json").touch()
    return daemon.start([str(program), "-f", *args], log=tmp_path / "log")


def test_our_dockerd_is_known_by_its_configuration_without_a_pid_file(tmp_path: Path) -> None:
    ours = folders(tmp_path)
    other = Folders(engine=tmp_path / "other", runtime=tmp_path / "other")
    assert find_dockerd(ours) is None
    pid = fake_dockerd(tmp_path, str(ours.config))
    try:
        assert find_dockerd(ours) == pid
        assert find_dockerd(other) is None
        ours.pidfile.write_text(str(pid))
        assert find_foreign_dockerd(ours) is None
    finally:
        daemon.stop(pid, grace=1)
    assert find_dockerd(ours) is None


def test_a_pid_that_is_another_program_now_is_nobodys_dockerd(tmp_path: Path) -> None:
    ours = folders(tmp_path)
    assert find_foreign_dockerd(ours) is None
    pid = daemon.start(["sleep", "60"], log=tmp_path / "log")
    try:
        ours.pidfile.write_text(str(pid))
        assert find_foreign_dockerd(ours) is None
    finally:
        daemon.stop(pid, grace=1)
    ours.pidfile.write_text("not a number")
    assert find_foreign_dockerd(ours) is None


def test_a_dockerd_started_by_hand_is_foreign(tmp_path: Path) -> None:
    ours = folders(tmp_path)
    (tmp_path / "other.json").touch()
    pid = fake_dockerd(tmp_path, str(tmp_path / "other.json"))
    try:
        ours.pidfile.write_text(str(pid))
        assert find_foreign_dockerd(ours) == pid
        assert find_dockerd(ours) is None
    finally:
        daemon.stop(pid, grace=1)
    assert find_foreign_dockerd(ours) is None


def test_cleaning_up_removes_what_would_be_in_the_way_and_ends_nobody_else(tmp_path: Path) -> None:
    ours = folders(tmp_path)
    pid = daemon.start(["sleep", "60"], log=tmp_path / "log")
    containerd = ours.exec / "containerd" / "containerd.pid"
    containerd.parent.mkdir(parents=True)
    for path in (ours.pidfile, ours.socket, containerd):
        path.write_text(str(pid))
    try:
        clean_up(ours)
        assert daemon.alive(pid)
    finally:
        daemon.stop(pid, grace=1)
    assert not any(path.exists() for path in (ours.pidfile, ours.socket, containerd))
