"""The catalogue: every row is complete and says where its facts are from, and the facts that people lean on are right.

Each test that fails says what to add, and on which line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.version import Version

from bakehouse.config.load import Project, load_project
from bakehouse.machine import Card
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Arch, Base, Gpu, Matrix, Toolkit
from bakehouse.planning.card_names import find_rows, near_names, plain, rows_named
from bakehouse.planning.gpus import recognise
from bakehouse.planning.rules import cards_of
from tests.tools import TIME_LIMIT, tool
from tests.unit.projects import ROOT

ARM = "linux/arm64"
NEWER_THAN_THE_LIST = {"1002:74a8", "1002:74b6", "1002:75b0", "1002:75b3", "8086:e209"}
"""Ids that libdrm or Intel's driver name, and the list of 2026-08 does not yet."""

FERMI = ("sm_20", "sm_21")
"""NVIDIA's cards whose drivers have no Vulkan."""

NEEDED = {
    "arch": "what it runs, a name in archs.yaml (nvidia-smi --query-gpu=compute_cap gives 8.9 for sm_89)",
    "memory": "of one device, by the data sheet: 24 GiB",
    "bandwidth": "of its memory, by the data sheet: 1008 GB/s. It is the limit of single-stream decoding",
    "pci": 'its ids as lspci -nn prints them: ["10de:2684"]. https://pci-ids.ucw.cz lists them',
    "source": "an address where these facts are written down",
}
"""What a card's row must have, and how to find it. A `note` may take the place of all but the source."""


@cache
def project() -> Project:
    return load_project(ROOT)


def matrix() -> Matrix:
    return project().world.matrix


def place(*path: str) -> str:
    """`src/bakehouse/catalogue/gpus.yaml:12: gpus.rtx4090`"""
    where = str(project().documents["matrix.yaml"].where(path))
    return f"src/{where}" if where.startswith("bakehouse/") else where


def cards() -> Iterator[tuple[str, Gpu]]:
    return iter(matrix().gpus.items())


# ---------------------------------------------------------------------------------------------- rows are complete


def test_every_card_has_what_its_row_needs() -> None:
    wrong = []
    for name, gpu in cards():
        missing = [key for key in NEEDED if not getattr(gpu, key) and (key == "source" or not gpu.note)]
        wrong += [f"{place('gpus', name)}: add `{key}`: {NEEDED[key]}" for key in missing]
        without_vulkan = gpu.accelerator is AcceleratorName.CUDA and AcceleratorName.VULKAN not in gpu.also
        if without_vulkan and gpu.arch not in FERMI:
            wrong.append(
                f"{place('gpus', name)}: add `also: [vulkan]`: every NVIDIA card since Kepler runs Vulkan images too"
            )
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_row_says_where_its_facts_are_written() -> None:
    rows = matrix()
    sections: dict[str, dict[str, Base] | dict[str, Toolkit] | dict[str, Arch]]
    sections = {"bases": rows.bases, "toolkits": rows.toolkits, "archs": rows.archs}
    wrong = [
        f"{place(section, name)}: add `source`: {NEEDED['source']}"
        for section, found in sections.items()
        for name, row in found.items()
        if not row.source
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_toolkits_say_which_driver_they_take() -> None:
    for name, toolkit in matrix().toolkits.items():
        where = place("toolkits", name)
        assert (toolkit.driver_floor is not None) == (toolkit.accelerator == "cuda"), f"{where}: add `driver_floor`"
        assert (toolkit.newest_gcc is not None) == (toolkit.accelerator == "cuda"), f"{where}: add `newest_gcc`"
        assert name.startswith(toolkit.accelerator), f"{where}: begin its name with {toolkit.accelerator}"
        version = name.removeprefix(toolkit.accelerator)
        assert f"{toolkit.version}.".startswith(f"{version}."), f"{where}: its name and its version differ"


def test_newer_toolkits_take_no_older_drivers() -> None:
    rows = [row for row in matrix().toolkits.values() if row.driver_floor]
    ordered = sorted(rows, key=lambda row: Version(row.version))
    floors = [Version(row.driver_floor or "0") for row in ordered]
    assert floors == sorted(floors)


def test_every_nvidia_arch_says_which_drivers_know_it() -> None:
    wrong = [
        f"{place('archs', name)}: add `first_driver` (or `last_driver`, where new drivers have dropped it)"
        for name, arch in matrix().archs.items()
        if arch.accelerator == "cuda" and not arch.note and not (arch.first_driver or arch.last_driver)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_arch_has_a_card_and_every_card_an_arch_that_is_run() -> None:
    used = {gpu.arch for _, gpu in cards()}
    without = [arch for arch in matrix().archs if used.isdisjoint(cards_of(arch, matrix()))]
    assert set(without) <= {"sm_53", "gfx1011", "gfx1033"}, f"archs that no card of the catalogue runs: {without}"


# ---------------------------------------------------------------------------------------------- cards are told apart


def test_each_name_means_one_card() -> None:
    owners = defaultdict(set)
    for name, gpu in cards():
        for word in (name, *gpu.aliases):
            owners[plain(word)].add(name)
    wrong = [
        f"{place('gpus', sorted(names)[1], 'aliases')}: {word!r} means {' and '.join(sorted(names))}: leave it to one"
        for word, names in owners.items()
        if len(names) > 1
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_each_card_is_found_by_its_names_as_a_driver_writes_them() -> None:
    for name, gpu in cards():
        for word in (name, *gpu.aliases):
            for written in (word, f"NVIDIA {word}", f"AMD {word} Graphics", f"Intel(R) {word} (REMARK 1)"):
                assert rows_named(written, matrix().gpus) == [name], written


def test_each_card_is_recognised_by_its_pci_id_its_name_and_its_memory() -> None:
    for name, gpu in cards():
        for pci in gpu.pci:
            sisters = [other for other, row in cards() if pci in row.pci]
            for written in gpu.aliases[:1]:
                card = Card(accelerator=gpu.accelerator, name=written, pci=pci)
                assert recognise(card, matrix()) == (name, gpu), f"{place('gpus', name)}: {written} {pci}"
            card = Card(accelerator=gpu.accelerator, name="unknown", pci=pci)
            found = recognise(card, matrix())
            assert found, name
            assert found[0] in sisters


@pytest.mark.parametrize(
    ("name", "pci", "memory", "row"),
    [
        ("NVIDIA GeForce RTX 3080", "10de:2206", None, "rtx3080"),
        ("NVIDIA GeForce RTX 3080", "10de:220a", None, "rtx3080-12gb"),
        ("NVIDIA GeForce RTX 2080", "10de:1e90", None, "rtx2080-laptop"),
        ("NVIDIA GeForce RTX 5090 Laptop GPU", None, None, "rtx5090-laptop"),
        ("NVIDIA GeForce RTX 4060 Ti", "10de:2805", None, "rtx4060ti-16gb"),
        ("Tesla V100-SXM2-16GB", "10de:1db1", None, "v100-16gb"),
        ("Tesla V100-PCIE-16GB", "10de:1db4", None, "v100-16gb"),
        ("Tesla V100-SXM2-32GB", "10de:1db5", None, "v100"),
        ("Tesla M40 24GB", "10de:17fd", None, "tesla-m40-24gb"),
        ("NVIDIA A16", "10de:25b6", None, "a16"),
        ("NVIDIA A2", "10de:25b6", None, "a2"),
        ("NVIDIA B200", None, None, "b200"),
        ("NVIDIA GB200", None, None, "gb200"),
        ("NVIDIA GB200", "10de:2941", None, "gb200"),
        ("NVIDIA H100 80GB HBM3", "10de:2330", None, "h100"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "10de:2bb1", None, "rtx-pro-6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "10de:2bb4", None, "rtx-pro-6000-max-q"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "10de:2bb5", None, "rtx-pro-6000-server"),
        ("NVIDIA TITAN X (Pascal)", None, None, "titan-x-pascal"),
        ("NVIDIA Thor", None, None, "jetson-agx-thor"),
        ("Quadro RTX 6000", "10de:1e30", None, "quadro-rtx6000"),
        ("Quadro RTX 8000", "10de:1e30", None, "quadro-rtx8000"),
        ("PCI 10de:1e30", "10de:1e30", 48, "quadro-rtx8000"),
        ("AMD Radeon RX 7900 XT", "1002:744c", None, "rx7900xt"),
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", "1002:744c", None, "rx7900xtx"),
        ("PCI 1002:744c", "1002:744c", 20, "rx7900xt"),
        ("AMD Radeon AI PRO R9700", "1002:7551", None, "ai-pro-r9700"),
        ("AMD Instinct MI250X / MI250", "1002:740c", 64, "mi250x"),
        ("AMD Instinct MI355X", "1002:75a3", None, "mi355x"),
        ("AMD Radeon 8050S Graphics", "1002:1586", None, "strix-halo"),
        ("PCI 8086:e223", "8086:e223", None, "arc-pro-b70"),
        ("Intel(R) Arc(TM) B580 Graphics", None, None, "arc-b580"),
    ],
)
def test_cards_as_drivers_name_them(name: str, pci: str | None, memory: int | None, row: str) -> None:
    accelerator = matrix().gpus[row].accelerator
    card = Card(accelerator=accelerator, name=name, pci=pci, memory=memory * 2**30 if memory else None)
    found = recognise(card, matrix())
    assert found
    assert found[0] == row
    assert find_rows(pci, matrix()) if pci else find_rows(name, matrix()) == [row]


@TIME_LIMIT
def test_pci_ids_are_those_of_the_public_list() -> None:
    file = Path(tool("pci.ids"))
    text = file.read_text(encoding="utf-8", errors="replace")
    listed = set()
    vendor = ""
    for line in text.splitlines():
        if found := re.match(r"([0-9a-f]{4})  ", line):
            vendor = found[1]
        elif found := re.match(r"\t([0-9a-f]{4})  ", line):
            listed.add(f"{vendor}:{found[1]}")
    wrong = [f"{place('gpus', name, 'pci')}: {pci}" for name, gpu in cards() for pci in gpu.pci if pci not in listed]
    wrong = [line for line in wrong if line[-9:] not in NEWER_THAN_THE_LIST]
    assert not wrong, f"\nnot in {file}:\n" + "\n".join(wrong)


# ---------------------------------------------------------------------------------------------- facts


@pytest.mark.parametrize(
    ("toolkit", "full", "minor", "gcc"),
    [
        ("cuda12.4", "550.54.15", "525", "13"),
        ("cuda12.8", "570.124.06", "525", "14"),
        ("cuda12.9", "575.57.08", "525", "14"),
        ("cuda13.0", "580.95.05", "580", "15"),
        ("cuda13.2", "595.58.03", "580", "15"),
        ("cuda13.3", "610.43.02", "580", "15"),
        ("cuda13.4", "615.71.09", "580", "16"),
        ("cuda13.5", "620", "580", "16"),
    ],
)
def test_driver_floors_and_compilers(toolkit: str, full: str, minor: str, gcc: str) -> None:
    row = matrix().toolkits[toolkit]
    assert (row.driver_floor, row.driver_floor_minor, row.newest_gcc) == (full, minor, gcc)


@pytest.mark.parametrize(
    ("arch", "first_driver", "last_driver", "last_toolkit"),
    [
        ("sm_50", None, "580", "12.9.2"),
        ("sm_52", None, "580", "12.9.2"),
        ("sm_60", None, "580", "12.9.2"),
        ("sm_61", None, "580", "12.9.2"),
        ("sm_70", None, "580", "12.9.2"),
        ("sm_72", None, None, "11.4"),
        ("sm_75", "410.57", None, None),
        ("sm_89", "520.56.06", None, None),
        ("sm_100", "570.133.20", None, None),
        ("sm_103", "580.65.06", None, None),
        ("sm_110", "580", None, None),
        ("sm_120", "570.86.16", None, None),
        ("sm_121", "580", None, None),
    ],
)
def test_which_drivers_and_toolkits_know_an_arch(
    arch: str, first_driver: str | None, last_driver: str | None, last_toolkit: str | None
) -> None:
    row = matrix().archs[arch]
    assert (row.first_driver, row.last_driver, row.last_toolkit) == (first_driver, last_driver, last_toolkit)


def test_strix_halo_needs_a_new_kernel() -> None:
    assert matrix().archs["gfx1151"].first_kernel == "6.18.4"


def test_cards_that_are_newer_than_their_arch_say_so() -> None:
    assert matrix().gpus["rtx5050"].first_driver == "575.64.03"
    assert matrix().gpus["rtx-pro-6000-server"].first_driver == "575.57.08"
    assert matrix().gpus["rtx5090"].first_driver is None


@pytest.mark.parametrize(
    ("card", "arch", "memory", "bandwidth", "platform"),
    [
        ("rtx5090", "sm_120", "32 GiB", "1792 GB/s", "linux/amd64"),
        ("rtx5090-laptop", "sm_120", "24 GiB", "896 GB/s", "linux/amd64"),
        ("rtx-pro-6000", "sm_120", "96 GiB", "1792 GB/s", "linux/amd64"),
        ("rtx-pro-6000-server", "sm_120", "96 GiB", "1597 GB/s", "linux/amd64"),
        ("gb10", "sm_121", "128 GiB", "273 GB/s", ARM),
        ("jetson-agx-thor", "sm_110", "128 GiB", "273 GB/s", ARM),
        ("jetson-orin-nano", "sm_87", "8 GiB", "102 GB/s", ARM),
        ("gtx1080ti", "sm_61", "11 GiB", "484 GB/s", "linux/amd64"),
        ("gtx980ti", "sm_52", "6 GiB", "336 GB/s", "linux/amd64"),
        ("gtx1660super", "sm_75", "6 GiB", "336 GB/s", "linux/amd64"),
        ("p100", "sm_60", "16 GiB", "732 GB/s", "linux/amd64"),
        ("v100", "sm_70", "32 GiB", "900 GB/s", "linux/amd64"),
        ("v100-16gb", "sm_70", "16 GiB", "900 GB/s", "linux/amd64"),
        ("titan-v", "sm_70", "12 GiB", "653 GB/s", "linux/amd64"),
        ("rtx-a5500", "sm_86", "24 GiB", "768 GB/s", "linux/amd64"),
        ("rtx-a400", "sm_86", "4 GiB", "96 GB/s", "linux/amd64"),
        ("rtx3070ti", "sm_86", "8 GiB", "608 GB/s", "linux/amd64"),
        ("rtx3080-12gb", "sm_86", "12 GiB", "912 GB/s", "linux/amd64"),
        ("rtx3090", "sm_86", "24 GiB", "936 GB/s", "linux/amd64"),
        ("rtx4070tisuper", "sm_89", "16 GiB", "672 GB/s", "linux/amd64"),
        ("rtx4090", "sm_89", "24 GiB", "1008 GB/s", "linux/amd64"),
        ("h100", "sm_90", "80 GiB", "3350 GB/s", "linux/amd64"),
        ("h20", "sm_90", "96 GiB", "4000 GB/s", "linux/amd64"),
        ("h200", "sm_90", "141 GiB", "4800 GB/s", "linux/amd64"),
        ("b200", "sm_100", "180 GiB", "8000 GB/s", "linux/amd64"),
        ("gb200", "sm_100", "186 GiB", "8000 GB/s", ARM),
        ("gb300", "sm_103", "288 GB", "8000 GB/s", ARM),
        ("rx7900xt", "gfx1100", "20 GiB", "800 GB/s", "linux/amd64"),
        ("rx7900xtx", "gfx1100", "24 GiB", "960 GB/s", "linux/amd64"),
        ("rx7700xt", "gfx1101", "12 GiB", "432 GB/s", "linux/amd64"),
        ("ai-pro-r9700", "gfx1201", "32 GiB", "640 GB/s", "linux/amd64"),
        ("mi50", "gfx906", "16 GiB", "1024 GB/s", "linux/amd64"),
        ("mi250x", "gfx90a", "64 GiB", "1638 GB/s", "linux/amd64"),
        ("mi300x", "gfx942", "192 GiB", "5300 GB/s", "linux/amd64"),
        ("mi355x", "gfx950", "288 GiB", "8000 GB/s", "linux/amd64"),
        ("strix-halo", "gfx1151", "128 GiB", "256 GB/s", "linux/amd64"),
        ("arc-a770", "acm-g10", "16 GiB", "560 GB/s", "linux/amd64"),
        ("arc-b580", "bmg-g21", "12 GiB", "456 GB/s", "linux/amd64"),
        ("arc-pro-b70", "bmg-g31", "32 GiB", "608 GB/s", "linux/amd64"),
        ("gpu-max-1100", "pvc", "48 GiB", "1229 GB/s", "linux/amd64"),
        ("quadro-k2200", "sm_50", "4 GiB", "80 GB/s", "linux/amd64"),
        ("gtx980m", "sm_52", "4 GiB", "160 GB/s", "linux/amd64"),
        ("rtx3050a-laptop", "sm_89", "4 GiB", "112 GB/s", "linux/amd64"),
        ("quadro-t2000", "sm_75", "4 GiB", "128 GB/s", "linux/amd64"),
        ("cmp-170hx", "sm_80", "8 GiB", "1493 GB/s", "linux/amd64"),
        ("cmp-90hx", "sm_86", "10 GiB", "760 GB/s", "linux/amd64"),
        ("t4g", "sm_75", "16 GiB", "320 GB/s", ARM),
        ("jetson-nano", "sm_53", "4 GiB", "26 GB/s", ARM),
        ("rx480", "gfx803", "8 GiB", "256 GB/s", "linux/amd64"),
        ("rx5500m", "gfx1012", "4 GiB", "224 GB/s", "linux/amd64"),
        ("rx6800m", "gfx1031", "12 GiB", "384 GB/s", "linux/amd64"),
        ("rx6600m", "gfx1032", "8 GiB", "224 GB/s", "linux/amd64"),
        ("rx7700s", "gfx1102", "8 GiB", "288 GB/s", "linux/amd64"),
        ("steam-deck", "gfx1033", "16 GiB", "88 GB/s", "linux/amd64"),
        ("bc-250", "gfx1013", "16 GiB", "448 GB/s", "linux/amd64"),
        ("arc-a370m", "acm-g11", "4 GiB", "112 GB/s", "linux/amd64"),
        ("arc-a730m", "acm-g10", "12 GiB", "336 GB/s", "linux/amd64"),
        ("rtx2060", "sm_75", "6 GiB", "336 GB/s", "linux/amd64"),
        ("rtx2080ti", "sm_75", "11 GiB", "616 GB/s", "linux/amd64"),
        ("titan-rtx", "sm_75", "24 GiB", "672 GB/s", "linux/amd64"),
        ("quadro-rtx4000", "sm_75", "8 GiB", "416 GB/s", "linux/amd64"),
        ("t4", "sm_75", "16 GiB", "320 GB/s", "linux/amd64"),
        ("t1000", "sm_75", "4 GiB", "160 GB/s", "linux/amd64"),
        ("gtx1650super", "sm_75", "4 GiB", "192 GB/s", "linux/amd64"),
        ("rtx3050", "sm_86", "8 GiB", "224 GB/s", "linux/amd64"),
        ("rtx3050-6gb", "sm_86", "6 GiB", "168 GB/s", "linux/amd64"),
        ("rtx3060", "sm_86", "12 GiB", "360 GB/s", "linux/amd64"),
        ("rtx3090ti", "sm_86", "24 GiB", "1008 GB/s", "linux/amd64"),
        ("rtx-a2000-12gb", "sm_86", "12 GiB", "288 GB/s", "linux/amd64"),
        ("rtx-a4500", "sm_86", "20 GiB", "640 GB/s", "linux/amd64"),
        ("rtx-a6000", "sm_86", "48 GiB", "768 GB/s", "linux/amd64"),
        ("a2", "sm_86", "16 GiB", "200 GB/s", "linux/amd64"),
        ("a10", "sm_86", "24 GiB", "600 GB/s", "linux/amd64"),
        ("a30", "sm_80", "24 GiB", "933 GB/s", "linux/amd64"),
        ("a40", "sm_86", "48 GiB", "696 GB/s", "linux/amd64"),
        ("a100", "sm_80", "80 GiB", "2039 GB/s", "linux/amd64"),
        ("a100-40gb", "sm_80", "40 GiB", "1555 GB/s", "linux/amd64"),
        ("l4", "sm_89", "24 GiB", "300 GB/s", "linux/amd64"),
        ("l40s", "sm_89", "48 GiB", "864 GB/s", "linux/amd64"),
        ("rtx4000-ada", "sm_89", "20 GiB", "360 GB/s", "linux/amd64"),
        ("rtx4500-ada", "sm_89", "24 GiB", "432 GB/s", "linux/amd64"),
        ("rtx5000-ada", "sm_89", "32 GiB", "576 GB/s", "linux/amd64"),
        ("rtx6000-ada", "sm_89", "48 GiB", "960 GB/s", "linux/amd64"),
        ("rtx4060ti-16gb", "sm_89", "16 GiB", "288 GB/s", "linux/amd64"),
        ("rtx4080super", "sm_89", "16 GiB", "736 GB/s", "linux/amd64"),
        ("rtx4090-laptop", "sm_89", "16 GiB", "576 GB/s", "linux/amd64"),
        ("h100-pcie", "sm_90", "80 GiB", "2039 GB/s", "linux/amd64"),
        ("h100-nvl", "sm_90", "94 GiB", "3938 GB/s", "linux/amd64"),
        ("rtx5050", "sm_120", "8 GiB", "320 GB/s", "linux/amd64"),
        ("rtx5060", "sm_120", "8 GiB", "448 GB/s", "linux/amd64"),
        ("rtx5070", "sm_120", "12 GiB", "672 GB/s", "linux/amd64"),
        ("rtx5070ti", "sm_120", "16 GiB", "896 GB/s", "linux/amd64"),
        ("rtx5080", "sm_120", "16 GiB", "960 GB/s", "linux/amd64"),
        ("rtx-pro-2000", "sm_120", "16 GiB", "288 GB/s", "linux/amd64"),
        ("rtx-pro-4000", "sm_120", "24 GiB", "672 GB/s", "linux/amd64"),
        ("rtx-pro-4000-sff", "sm_120", "24 GiB", "432 GB/s", "linux/amd64"),
        ("rtx-pro-4500", "sm_120", "32 GiB", "896 GB/s", "linux/amd64"),
        ("rtx-pro-5000", "sm_120", "48 GiB", "1344 GB/s", "linux/amd64"),
        ("tesla-p4", "sm_61", "8 GiB", "192 GB/s", "linux/amd64"),
        ("tesla-p40", "sm_61", "24 GiB", "346 GB/s", "linux/amd64"),
        ("tesla-m40", "sm_52", "12 GiB", "288 GB/s", "linux/amd64"),
        ("quadro-p4000", "sm_61", "8 GiB", "243 GB/s", "linux/amd64"),
        ("quadro-gv100", "sm_70", "32 GiB", "870 GB/s", "linux/amd64"),
        ("rx6600", "gfx1032", "8 GiB", "224 GB/s", "linux/amd64"),
        ("rx6700xt", "gfx1031", "12 GiB", "384 GB/s", "linux/amd64"),
        ("rx6800xt", "gfx1030", "16 GiB", "512 GB/s", "linux/amd64"),
        ("rx6950xt", "gfx1030", "16 GiB", "576 GB/s", "linux/amd64"),
        ("rx7600", "gfx1102", "8 GiB", "288 GB/s", "linux/amd64"),
        ("rx7600xt", "gfx1102", "16 GiB", "288 GB/s", "linux/amd64"),
        ("rx7800xt", "gfx1101", "16 GiB", "624 GB/s", "linux/amd64"),
        ("rx7900gre", "gfx1100", "16 GiB", "576 GB/s", "linux/amd64"),
        ("rx9060xt", "gfx1200", "16 GiB", "320 GB/s", "linux/amd64"),
        ("rx9070", "gfx1201", "16 GiB", "640 GB/s", "linux/amd64"),
        ("rx9070xt", "gfx1201", "16 GiB", "640 GB/s", "linux/amd64"),
        ("pro-w7900", "gfx1100", "48 GiB", "864 GB/s", "linux/amd64"),
        ("pro-w7800", "gfx1100", "32 GiB", "576 GB/s", "linux/amd64"),
        ("pro-w6800", "gfx1030", "32 GiB", "512 GB/s", "linux/amd64"),
        ("mi100", "gfx908", "32 GiB", "1229 GB/s", "linux/amd64"),
        ("mi210", "gfx90a", "64 GiB", "1638 GB/s", "linux/amd64"),
        ("mi325x", "gfx942", "256 GiB", "6000 GB/s", "linux/amd64"),
        ("arc-a380", "acm-g11", "6 GiB", "186 GB/s", "linux/amd64"),
        ("arc-a750", "acm-g10", "8 GiB", "512 GB/s", "linux/amd64"),
        ("arc-b570", "bmg-g21", "10 GiB", "380 GB/s", "linux/amd64"),
        ("arc-pro-b50", "bmg-g21", "16 GiB", "224 GB/s", "linux/amd64"),
        ("arc-pro-b60", "bmg-g21", "24 GiB", "456 GB/s", "linux/amd64"),
    ],
)
def test_cards_by_their_data_sheets(card: str, arch: str, memory: str, bandwidth: str, platform: str) -> None:
    row = matrix().gpus[card]
    assert (row.arch, row.memory, row.bandwidth, row.platform) == (arch, memory, bandwidth, platform)


@pytest.mark.parametrize(
    "word",
    """gtx1080ti gtx1060 gtx970 titan-xp rtx2060super rtx3060ti rtx4070super rtx5070ti-laptop rtx4000-ada rtx-a2000 t4
    a2 a16 l40 p4 p100 m40 h20 h800 gb300 orin-nx orin-nano agx-thor dgx-spark quadro-p4000 rtx-pro-4500 rx9070 rx9060xt
    rx7900gre rx7600xt rx6800 w7900 w7800 v620 r9700 mi50 mi300a mi308x radeon-890m strix-halo vega-64 a580 a310 b65 b70
    flex-170 max-1100 arc-140v""".split(),  # noqa: SIM905 - a list of words is read more easily so
)
def test_people_find_their_card(word: str) -> None:
    assert find_rows(word, matrix()), near_names(word, matrix().gpus)


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ("GTX 1650 Mobile", "gtx1650-laptop"),
        ("RTX 2070 Super Max-Q", "rtx2070super-laptop"),
        ("GTX 1070 with Max-Q Design", "gtx1070-laptop"),
        ("RTX 4090M", "rtx4090-laptop"),
        ("RTX 3080 Ti Mobile", "rtx3080ti-laptop"),
        ("GTX 960M", "gtx960m"),
        ("RX 6800M", "rx6800m"),
        ("Radeon 780M", "radeon-780m"),
        ("H100 SXM5 80GB", "h100"),
        ("H100 PCIe 80GB", "h100-pcie"),
        ("3060 12gb", "rtx3060"),
        ("Radeon RX 6750 GRE 12GB", "rx6750gre"),
        ("A30M", "arc-pro-a30m"),
        ("Max 1350", "gpu-max-1350"),
        ("NVIDIA A100X", "a100x"),
        ("V100 SXM2 32GB", "v100"),
        ("GH200 144GB HBM3e", "gh200-144gb"),
        ("Orin NX 8GB", "jetson-orin-nx"),
        ("RX 9060 XT 8GB", "rx9060xt"),
        ("AMD Radeon Vega 8 Graphics (RADV RAVEN)", "raven-ridge"),
        ("Intel(R) UHD Graphics 770", "uhd770"),
        ("Intel(R) Iris(R) Xe Graphics", "iris-xe"),
        ("Intel(R) Arc(TM) Graphics", "arc-meteor-lake"),
        ("Ryzen AI Max+ 395", "strix-halo"),
    ],
)
def test_cards_as_people_name_them(written: str, row: str) -> None:
    assert find_rows(written, matrix())[:1] == [row]


@pytest.mark.parametrize("written", ["RTX 4060 Ti 32GB", "A100Z", "UHD 630", "RTX 5000 Max-Q", "H100 128GB"])
def test_cards_that_the_catalogue_lacks_are_no_others(written: str) -> None:
    assert find_rows(written, matrix()) == []


def test_lavapipe_runs_no_code_of_a_card() -> None:
    assert matrix().gpus["lavapipe"].arch is None


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ("AMD Instinct MI300X OAM", "mi300x"),
        ("Jetson AGX Thor Developer Kit", "jetson-agx-thor"),
        ("Jetson Orin Nano Developer Kit", "jetson-orin-nano"),
        ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", "a100"),
        ("Meteor Lake", "arc-meteor-lake"),
        ("Lunar Lake", "arc-140v"),
    ],
)
def test_words_behind_a_name_and_parts_of_cards(written: str, row: str) -> None:
    assert find_rows(written, matrix()) == [row]
