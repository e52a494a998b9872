"""CMake's own words: its constants, and the variables in its manual."""

from __future__ import annotations

import functools
import re
from importlib import resources

VARIABLES = "cmake_variables.txt"

TRUE = frozenset({"1", "on", "yes", "true", "y"})
FALSE = frozenset({"0", "off", "no", "false", "n", "ignore", "notfound", ""})
"""CMake's constants, see if() in its manual; `*-notfound` is false, too, and so is nothing."""


def is_false(value: str) -> bool:
    return value.lower() in FALSE or value.lower().endswith("-notfound")


def is_true(value: str) -> bool:
    """A number other than zero is true."""
    return value.lower() in TRUE or re.fullmatch(r"-?0*[1-9][0-9]*", value) is not None


def is_of_cmake(name: str) -> bool:
    """Whether CMake itself reads a variable."""
    return name in names_of_cmake() or bool(_patterned_names().fullmatch(name))


@functools.cache
def names_of_cmake() -> frozenset[str]:
    """The variables in CMake's manual that have one name."""
    return frozenset(name for name in _manual() if "<" not in name)


@functools.cache
def _patterned_names() -> re.Pattern[str]:
    """Those with a language or a configuration in their names: `CMAKE_<LANG>_FLAGS`."""
    return re.compile("|".join(re.sub("<[^>]*>", "[A-Za-z0-9]+", name) for name in _manual() if "<" in name))


def _manual() -> list[str]:
    text = resources.files("bakehouse.lint").joinpath(VARIABLES).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
