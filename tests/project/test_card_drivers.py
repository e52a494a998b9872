"""Cards and drivers, checked against NVIDIA's own lists: README.md at the tag of each release of
https://github.com/NVIDIA/open-gpu-kernel-modules. A chip is known from the release on whose g_hal.h names it; NVIDIA
asks for 570.133.20 on a B200 all the same (platform support of its GPU operator).
"""

from __future__ import annotations

from functools import cache

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.matrix import Matrix
from bakehouse.planning.driver_support import against_card, before_card, drivers_of, parse
from tests.unit.projects import ROOT


@cache
def matrix() -> Matrix:
    return load_project(ROOT).world.matrix


@pytest.mark.parametrize(
    ("card", "driver", "knows"),
    [
        ("rtx4070super", "535.183.01", "chip"),
        ("rtx4070super", "550.54.14", "yes"),
        ("rtx4070tisuper", "535.161.07", "chip"),
        ("rtx4080super", "545.29.06", "chip"),
        ("rtx4080super", "550.54.15", "yes"),
        ("rtx4090d", "535.154.05", "yes"),
        ("rtx4090d", "535.129.03", "chip"),
        ("rtx4090", "525.125.06", "yes"),
        ("rtx4090", "515.105.01", "no"),
        ("rtx3090", "515.65.01", "yes"),
        ("rtx3060", "470.256.02", "yes"),
        ("rtx2080ti", "515.48.07", "yes"),
        ("t4", "580.95.05", "yes"),
        ("a100", "515.86.01", "yes"),
        ("a10", "525.60.13", "yes"),
        ("a30", "535.183.01", "yes"),
        ("a2", "550.90.07", "yes"),
        ("h100", "515.105.01", "no"),
        ("h100", "535.183.01", "yes"),
        ("h100-pcie", "525.60.13", "yes"),
        ("h100-nvl", "535.104.05", "yes"),
        ("h100-nvl", "535.54.03", "chip"),
        ("h200", "535.183.01", "chip"),
        ("h200", "535.288.01", "chip"),
        ("h200", "550.54.14", "chip"),
        ("h200", "550.90.07", "yes"),
        ("h200-nvl", "550.163.01", "chip"),
        ("h200-nvl", "565.57.01", "yes"),
        ("h20", "535.161.07", "yes"),
        ("h20", "535.129.03", "chip"),
        ("h20-3e", "535.216.03", "yes"),
        ("gh200", "535.129.03", "yes"),
        ("gh200", "535.104.05", "chip"),
        ("l4", "525.105.17", "yes"),
        ("l40", "525.85.12", "yes"),
        ("l40s", "535.86.05", "chip"),
        ("l40s", "535.104.05", "yes"),
        ("l20", "535.154.05", "yes"),
        ("l2", "535.146.02", "chip"),
        ("rtx2000-ada", "535.183.01", "chip"),
        ("rtx4000-ada", "535.98", "yes"),
        ("rtx5880-ada", "535.146.02", "yes"),
        ("rtx-a400", "550.54.14", "chip"),
        ("rtx-a1000", "550.76", "yes"),
        ("rtx5090", "565.77", "no"),
        ("rtx5090", "570.86.16", "yes"),
        ("rtx5080", "560.35.03", "no"),
        ("rtx5070ti", "570.86.16", "chip"),
        ("rtx5070ti", "570.124.06", "yes"),
        ("rtx5070", "570.124.06", "chip"),
        ("rtx5070", "570.133.07", "yes"),
        ("rtx5060ti", "570.144", "chip"),
        ("rtx5060ti", "570.148.08", "yes"),
        ("rtx5060", "570.153.02", "chip"),
        ("rtx5060", "575.57.08", "yes"),
        ("rtx5050", "575.57.08", "chip"),
        ("rtx5050", "575.64.03", "yes"),
        ("rtx5090-laptop", "570.133.07", "yes"),
        ("rtx-pro-6000", "570.124.06", "chip"),
        ("rtx-pro-6000", "570.133.07", "yes"),
        ("rtx-pro-6000-server", "570.211.01", "chip"),
        ("rtx-pro-6000-server", "575.57.08", "yes"),
        ("rtx-pro-4500", "570.169", "yes"),
        ("rtx-pro-2000", "570.181", "chip"),
        ("b200", "565.77", "no"),
        ("b200", "570.133.20", "yes"),
        ("gb200", "570.133.20", "yes"),
        ("b300", "575.57.08", "no"),
        ("b300", "580.82.07", "yes"),
        ("gb10", "575.64.05", "no"),
        ("gb10", "580.119.02", "yes"),
    ],
)
def test_what_a_driver_knows_of_a_card(card: str, driver: str, knows: str) -> None:
    """`yes`: it lists the card; `chip`: it knows the chip, and came before the card; `no`: neither."""
    gpu = matrix().gpus[card]
    drivers = drivers_of(gpu, matrix().archs[gpu.arch or ""])
    refused = against_card(parse(driver), drivers, card)
    early = before_card(parse(driver), drivers, card)
    assert ("no" if refused else "chip" if early else "yes") == knows


def test_a_driver_from_before_the_card_is_told_from_when_on_it_is_listed() -> None:
    gpu = matrix().gpus["rtx4070super"]
    said = before_card(parse("535.183.01"), drivers_of(gpu, matrix().archs["sm_89"]), "rtx4070super")
    assert said is not None
    assert "lists the card from 550.54.14 on" in said
