from __future__ import annotations

from bakehouse.lint.options import Argument, CMake, CMakeOption, SourceOptions
from bakehouse.lint.options_change import OptionsChange, changes


def options(*arguments: Argument, **defaults: str | None) -> SourceOptions:
    declared = {name: CMakeOption(kind="BOOL", default=default, file="x") for name, default in defaults.items()}
    return SourceOptions(revision="x", cmake=CMake(options=declared), arguments=arguments)


def test_what_came_what_went_and_what_has_another_default() -> None:
    before = options(Argument(names=("-c", "--ctx")), Argument(names=("--old",)), STAYS="ON", GOES="ON", TURNS="ON")
    after = options(
        Argument(names=("-c", "--ctx"), negated=("--no-ctx",)), Argument(names=("--old",), removed="use --ctx"),
        STAYS="ON", COMES="OFF", TURNS=None,
    )  # fmt: skip
    assert changes(before, after) == (
        OptionsChange(
            kind="CMake options", came=("COMES",), went=("GOES",), other_default=("TURNS: it depends, was ON",)
        ),
        OptionsChange(kind="arguments of the server", came=("--no-ctx",), went=("--old",)),
    )
    assert changes(before, before) == ()
