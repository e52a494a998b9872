from __future__ import annotations

import os
from pathlib import Path

import pytest

from bakehouse.measure import cpu_usage
from bakehouse.measure.cpu_usage import Meter, Usage
from bakehouse.system import process

JIFFIES = os.sysconf("SC_CLK_TCK")


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def usage(**changes: float | None) -> Usage:
    fields: dict[str, float | None] = {"elapsed": 10.0, "machine": 20.0, "container": 19.0, "client": 0.5}
    return Usage(cores=2, **(fields | changes))  # type: ignore[arg-type]


def test_foreign_is_what_neither_the_container_nor_we_used() -> None:
    assert usage().foreign == pytest.approx(0.025)
    assert usage(container=10.0).foreign == pytest.approx(0.475)


def test_foreign_is_never_negative_and_unknown_where_the_container_is_not_visible() -> None:
    assert usage(container=21.0).foreign == 0
    assert usage(container=None).foreign is None
    assert usage(elapsed=0.0).foreign is None


def test_machine_seconds_counts_stolen_time_and_neither_idle_nor_guests_twice(tmp_path: Path) -> None:
    #            user nice system idle iowait irq softirq steal guest guest_nice
    write(tmp_path, "proc/stat", "cpu  100 10 20 9999 777 1 2 3 50 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert cpu_usage.machine_seconds(root=tmp_path) == pytest.approx((100 + 10 + 20 + 1 + 2 + 3) / JIFFIES)


def test_a_program_that_makes_the_load_in_our_stead_is_not_foreign() -> None:
    meter = Meter(os.getpid())
    meter.start()
    process.run(["sh", "-c", "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; true"])
    assert meter.usage().client > 0.03


V1 = "2500000000\n"
V2 = "usage_usec 2500000\nuser_usec 1\n"


@pytest.mark.parametrize(
    ("cgroup", "file", "text"),
    [
        ("0::/a.slice/docker-abc.scope\n", "a.slice/docker-abc.scope/cpu.stat", V2),
        ("4:memory:/docker/abc\n2:cpuacct:/docker/abc\n0::/docker/abc\n", "cpuacct/docker/abc/cpuacct.usage", V1),
        ("3:cpu,cpuacct:/docker/abc\n", "cpu,cpuacct/docker/abc/cpuacct.usage", V1),
    ],
    ids=["v2", "v1", "v1 joined"],
)
def test_container_seconds_from_its_cgroup(tmp_path: Path, cgroup: str, file: str, text: str) -> None:
    write(tmp_path, "proc/7/cgroup", cgroup)
    write(tmp_path, f"sys/fs/cgroup/{file}", text)
    assert cpu_usage.container_seconds(7, root=tmp_path) == 2.5


def test_container_seconds_falls_back_to_its_first_process(tmp_path: Path) -> None:
    write(tmp_path, "proc/7/cgroup", "0::/\n")
    fields = ["S", *("0" for _ in range(10)), "150", "50", "0"]
    write(tmp_path, "proc/7/stat", f"7 (a name) with) {' '.join(fields)}\n")
    assert cpu_usage.container_seconds(7, root=tmp_path) == pytest.approx(200 / JIFFIES)
    assert cpu_usage.container_seconds(8, root=tmp_path) is None


def test_peak_memory(tmp_path: Path) -> None:
    write(tmp_path, "proc/7/status", "Name:\tllama-server\nVmHWM:\t  2048 kB\nVmRSS:\t1 kB\n")
    assert cpu_usage.peak_memory(7, root=tmp_path) == 2048 * 1024
    assert cpu_usage.peak_memory(8, root=tmp_path) is None


def test_physical_cores_counts_the_threads_of_one_core_once(tmp_path: Path) -> None:
    for cpu in os.sched_getaffinity(0):
        write(tmp_path, f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", "0-99\n")
    assert cpu_usage.physical_cores(root=tmp_path) == 1
    assert cpu_usage.physical_cores(root=tmp_path / "nothing") == len(os.sched_getaffinity(0))


def test_a_meter_sees_what_was_used_between_start_and_now(tmp_path: Path) -> None:
    write(tmp_path, "proc/stat", "cpu  100 0 0 0 0 0 0 0\n")
    write(tmp_path, "proc/7/cgroup", "0::/x\n")
    write(tmp_path, "sys/fs/cgroup/x/cpu.stat", "usage_usec 1000000\n")
    meter = Meter(7, root=tmp_path)
    meter.start()
    write(tmp_path, "proc/stat", f"cpu  {100 + 3 * JIFFIES} 0 0 0 0 0 0 0\n")
    write(tmp_path, "sys/fs/cgroup/x/cpu.stat", "usage_usec 3000000\n")
    used = meter.usage()
    assert used.machine == pytest.approx(3.0)
    assert used.container == pytest.approx(2.0)
    assert used.elapsed > 0


def test_a_container_that_belongs_to_it_is_not_foreign(tmp_path: Path) -> None:
    def used(seconds: int) -> None:
        write(tmp_path, "proc/stat", f"cpu  {2 * seconds * JIFFIES} 0 0 0 0 0 0 0\n")
        for name in "xy":
            write(tmp_path, f"sys/fs/cgroup/{name}/cpu.stat", f"usage_usec {seconds * 1000000}\n")

    for pid, name in ((7, "x"), (8, "y")):
        write(tmp_path, f"proc/{pid}/cgroup", f"0::/{name}\n")
    meters = [Meter(7, others=(8,), root=tmp_path), Meter(7, root=tmp_path), Meter(7, others=(9,), root=tmp_path)]
    used(1)
    for meter in meters:
        meter.start()
    used(3)
    assert [meter.usage().container for meter in meters] == [pytest.approx(4.0), pytest.approx(2.0), None]
