"""Options, arguments and variables as people wrote them, from whatever file they are in: the input of every check."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.errors import Where


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A name and its value: a CMake option, a variable of the environment."""

    name: str
    value: str
    where: Where
    complete: bool = True
    """Whether the value is all there: an unknown shell variable leaves a gap."""

    @property
    def as_option(self) -> str:
        return f"-D{self.name}={self.value}"

    @property
    def as_variable(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word of a command line."""

    text: str
    where: Where
    complete: bool = True
