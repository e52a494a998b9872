"""Colours of the page, by WCAG 2.2: text 4.5 : 1 (1.4.3), what carries a meaning without being text 3 : 1 (1.4.11)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import pytest

TEXT = [
    *((ink, paper) for ink in ("ink", "quiet", "link") for paper in ("paper", "raised")),
    *(
        (verdict, paper)
        for verdict in ("passed", "failed", "errored", "void", "skipped")
        for paper in ("paper", f"{verdict}-soft")
    ),
    *(("ink", f"{verdict}-soft") for verdict in ("passed", "failed", "errored", "void", "skipped")),
    *(("quiet", f"{verdict}-soft") for verdict in ("passed", "failed", "errored", "void", "skipped")),
    *(("heat-ink", f"heat{shade}") for shade in range(1, 6)),
    ("cached-ink", "cached"),
    ("bar-ink", "bar"),
]
SHAPES = [(shape, "paper") for shape in ("dot", "p90", "median", "bar")]


@cache
def themes() -> dict[str, dict[str, str]]:
    css = (files("bakehouse.reporters") / "templates" / "style.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    )
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    def linear(part: str) -> float:
        share = int(part, 16) / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[place : place + 2]) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), TEXT)
def test_text_is_readable(theme: str, ink: str, paper: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[ink], colours[paper]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "paper"), SHAPES)
def test_shapes_are_seen(theme: str, shape: str, paper: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[shape], colours[paper]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_shades_can_be_put_in_order_without_their_hue(theme: str) -> None:
    colours = themes()[theme]
    shades = [luminance(colours[f"heat{shade}"]) for shade in range(1, 6)]
    assert shades == sorted(shades, reverse=theme == "light")
