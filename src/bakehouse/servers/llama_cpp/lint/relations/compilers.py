"""What the rules know: `needs.yaml` and `compilers.yaml`."""

from __future__ import annotations

import functools
from importlib import resources

from packaging.version import Version

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.lint.relations.needs import ComponentNeed, ComponentNeeds
from bakehouse.model.field_types import Model, Text

NEEDS = "needs.yaml"
COMPILERS = "compilers.yaml"


class ArchFacts(Model):
    """What compiles and runs code for one arch."""

    first: Text | None = None
    last: Text | None = None
    rocblas: Text | None = None
    """First ROCm whose rocBLAS has kernels for it, or `none`."""
    rocblas_last: Text | None = None
    instead: Text | None = None


class Compilers(Model):
    """`compilers.yaml`"""

    newest_gcc: dict[Text, int]
    cmake: dict[Text, Text]
    cmake_of_families: Text
    """Oldest CMake for `120f`."""
    toolkit: dict[Text, Text]
    archs: dict[Text, ArchFacts]
    absent_packages: dict[Text, tuple[Text, ...]]

    def newest_gcc_of(self, cuda: str) -> int | None:
        """The newest GCC that nvcc of a CUDA accepts."""
        known = [one for one in self.newest_gcc if Version(one) <= Version(cuda)]
        return self.newest_gcc[max(known, key=Version)] if known else None


@functools.cache
def load_needs() -> tuple[ComponentNeed, ...]:
    return validate(parse(_text(NEEDS), file=NEEDS), ComponentNeeds).needs


@functools.cache
def load_compilers() -> Compilers:
    return validate(parse(_text(COMPILERS), file=COMPILERS), Compilers)


def _text(file: str) -> str:
    return resources.files("bakehouse.servers.llama_cpp.lint.relations").joinpath(file).read_text(encoding="utf-8")
