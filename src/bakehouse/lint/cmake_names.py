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
    plain, pattern = names_of_cmake()
    return name in plain or bool(pattern.fullmatch(name))


@functools.cache
def names_of_cmake() -> tuple[frozenset[str], re.Pattern[str]]:
    """The variables in CMake's manual: plain names, and those with a language or a configuration in them."""
    text = resources.files("bakehouse.lint").joinpath(VARIABLES).read_text(encoding="utf-8")
    names = [line for line in text.splitlines() if line and not line.startswith("#")]
    patterns = (re.sub("<[^>]*>", "[A-Za-z0-9]+", name) for name in names if "<" in name)
    return frozenset(name for name in names if "<" not in name), re.compile("|".join(patterns))
