"""Programs and libraries that stages hold or lack: `components.yaml`."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable
from importlib import resources

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.lint.stages.bases import Manager
from bakehouse.model.field_types import Model, Text

FILE = "components.yaml"
_ONE_LIBRARY = re.compile(r"^lib[A-Za-z0-9_+-]+\.so")


class Component(Model):
    """One program or library."""

    title: Text | None = None
    program: Text | None = None
    """What a RUN line calls it: where one does, the stage has it."""
    packages: tuple[Text, ...] = ()
    brought_by_recommendation: tuple[Text, ...] = ()
    """Packages of Debian that bring it, unless --no-install-recommends is given."""
    files: tuple[Text, ...] = ()
    install: dict[Manager, Text] = {}  # noqa: RUF012 - pydantic copies the defaults of its models

    def is_brought_by(self, package: str) -> bool:
        return _fits(package, self.packages)

    def is_in(self, path: str) -> bool:
        """Whether a path or a pattern of a shell names one of its files."""
        name = path.rstrip("/").rpartition("/")[2]
        is_file = bool(_ONE_LIBRARY.search(name))  # what lies beside it in its folder does not come along
        return any(
            fnmatch.fnmatch(path, one) and not is_file if "/" in one else _names_file(name, one) for one in self.files
        )


class Components(Model):
    """`components.yaml`"""

    components: dict[Text, Component]


def _fits(name: str, patterns: Iterable[str]) -> bool:
    """`name` may be a pattern itself, as package managers take it: `rocm-*`."""
    if "*" in name:
        return any(fnmatch.fnmatchcase(pattern, name) for pattern in patterns)
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _names_file(name: str, pattern: str) -> bool:
    """`libgomp.so.1` and `libgomp*` name it; `*.so*` does not say that it is there."""
    return bool(name.strip("*?")) and not name.startswith("*") and fnmatch.fnmatch(name, pattern)


@functools.cache
def load_components() -> dict[str, Component]:
    """What comes with bakehouse, by name."""
    text = resources.files("bakehouse.lint.stages").joinpath(FILE).read_text(encoding="utf-8")
    return validate(parse(text, file=FILE), Components).components
