from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.machine.bus import Roots
from bakehouse.machine.sensors import Rapl, Sensors, of_processor, working

from .machines import Faked


def roots(tmp_path: Path) -> tuple[Faked, Roots]:
    faked = Faked(tmp_path)
    return faked, Roots(proc=faked.proc, sys=faked.sys, dev=faked.dev)


def test_a_machine_that_tells_everything(tmp_path: Path) -> None:
    faked, here = roots(tmp_path)
    for cpu, khz in enumerate((3_000_000, 2_000_000)):
        faked.write(faked.sys / f"devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", f"{khz}\n")
        faked.write(faked.sys / f"devices/system/cpu/cpu{cpu}/thermal_throttle/core_throttle_count", "2\n")
    faked.write(faked.proc / "stat", "cpu  1 2 3 4 5 6 7 800 0 0\n")
    for what in ("cpu", "memory", "io"):
        faked.write(faked.proc / f"pressure/{what}", "some avg10=0.00 avg60=0.00 total=2500000\nfull avg10=0 total=9\n")
    faked.write(faked.proc / "42/cgroup", "0::/docker/abc\n")
    faked.write(faked.sys / "fs/cgroup/docker/abc/memory.current", "4096\n")
    faked.write(faked.sys / "class/powercap/intel-rapl:0/name", "package-0\n")
    faked.write(faked.sys / "class/powercap/intel-rapl:0/energy_uj", "5\n")
    found = of_processor(42, here)
    assert found.missing == frozenset()
    assert {name: level() for name, level in found.levels.items()} == {
        "cpu_mhz": 2500.0,
        "container_memory_bytes": 4096.0,
    }
    totals = {name: total() for name, total in found.totals.items()}
    assert totals["cpu_throttled_times"] == 4.0
    assert totals["cpu_waited_s"] == totals["memory_waited_s"] == totals["io_waited_s"] == 2.5
    assert totals["cpu_stolen_s"] == pytest.approx(8.0)  # in hundredths, as on all Linux machines
    assert totals["cpu_energy_j"] == 0.0


def test_a_machine_that_tells_nothing_is_missing_all_of_it(tmp_path: Path) -> None:
    _, here = roots(tmp_path)
    found = of_processor(42, here)
    assert not {*found.levels, *found.totals, *found.states}
    assert {"cpu_mhz", "cpu_energy_j", "cpu_throttled_times", "cpu_waited_s"} <= found.missing


def test_memory_of_version_1_groups(tmp_path: Path) -> None:
    faked, here = roots(tmp_path)
    faked.write(faked.proc / "42/cgroup", "9:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n")
    faked.write(faked.sys / "fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "77\n")
    assert of_processor(42, here).levels["container_memory_bytes"]() == 77.0


def test_clocks_of_few_processors_are_asked(tmp_path: Path) -> None:
    faked, here = roots(tmp_path)
    for cpu in range(64):
        faked.write(faked.sys / f"devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", f"{cpu}000\n")
    found = of_processor(42, here)
    for cpu in range(0, 64, 3):
        (faked.sys / f"devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq").unlink()
    assert found.levels["cpu_mhz"]() is not None


class Package:
    def __init__(self, faked: Faked, number: int, name: str = "") -> None:
        self._faked, self._folder = faked, faked.sys / f"class/powercap/intel-rapl:{number}"
        faked.write(self._folder / "name", (name or f"package-{number}") + "\n")
        faked.write(self._folder / "max_energy_range_uj", "1000000\n")

    def says(self, microjoules: int | str) -> None:
        self._faked.write(self._folder / "energy_uj", f"{microjoules}\n")


def test_energy_adds_packages_and_survives_a_wrap(tmp_path: Path) -> None:
    faked, _ = roots(tmp_path)
    first, second, whole = Package(faked, 0), Package(faked, 1), Package(faked, 2, "psys")
    for one in (first, second, whole):
        one.says(900_000)
    energy = Rapl(faked.sys)
    assert energy() == 0.0
    first.says(950_000)
    second.says(100_000)  # it went round: 200 000 more
    whole.says(999_999)
    assert energy() == pytest.approx(0.25)


def test_energy_that_may_not_be_read_is_not_told(tmp_path: Path) -> None:
    faked, _ = roots(tmp_path)
    Package(faked, 0).says("")  # as for users who are not root
    assert Rapl(faked.sys)() is None


def test_sensors_are_joined() -> None:
    both = working(levels={"a": lambda: 1.0, "b": lambda: None}) | Sensors(missing=frozenset({"c"}))
    assert set(both.levels) == {"a"}
    assert both.missing == {"b", "c"}
