from __future__ import annotations

from pathlib import Path

import pytest

from .machines import Faked


@pytest.mark.parametrize("driver", ["xe", "i915"])
def test_a_card(tmp_path: Path, driver: str) -> None:
    faked = Faked(tmp_path)
    folder = faked.card("0000:03:00.0", "8086:e20b", driver=driver, render=128)
    faked.write(folder / "hwmon/hwmon1/power1_max", "190000000")
    (card,) = faked.detect().cards
    assert card.power_limit == 190.0
    assert (card.accelerator, card.pci, card.problem) == ("xpu", "8086:e20b", None)
    assert card.render == f"{faked.dev}/dri/renderD128"


def test_a_card_that_the_kernel_is_too_old_for(tmp_path: Path) -> None:
    faked = Faked(tmp_path)
    faked.card("0000:03:00.0", "8086:e20b")
    machine = faked.detect()
    assert machine.cards[0].problem == "no driver is bound to it: load xe (or i915 for cards before Battlemage)"
    assert machine.usable == ()


def test_a_render_node_that_is_missing(tmp_path: Path) -> None:
    faked = Faked(tmp_path)
    faked.card("0000:03:00.0", "8086:e20b", driver="xe")
    assert "it has no render node" in (faked.detect().cards[0].problem or "")
