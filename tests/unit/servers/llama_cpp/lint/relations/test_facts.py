"""What the rules know: the data files name things that exist, and agree with the matrix."""

from __future__ import annotations

import pytest

from bakehouse.lint.relations.versions import is_older
from bakehouse.lint.stages.components import load_components
from bakehouse.servers.llama_cpp.lint.relations.compilers import load_compilers, load_needs
from tests.unit.servers.llama_cpp.lint.test_check_dockerfile import pinned, the_matrix


def test_needs_name_components_and_options_that_exist() -> None:
    options, components = pinned().cmake, load_components()
    for need in load_needs():
        assert need.component in components
        assert need.if_build_has is None or need.if_build_has in components
        for name in (*need.when, *need.unless):
            known = name in options.options or name in options.variables or name in options.deprecated
            assert known or need.until_build or not name.startswith(("GGML_", "LLAMA_")), name


def test_the_newest_gcc_is_what_the_matrix_says() -> None:
    for toolkit in the_matrix().toolkits.values():
        if toolkit.newest_gcc is not None:
            assert load_compilers().newest_gcc_of(toolkit.version) == int(toolkit.newest_gcc), toolkit.version


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("12.4.1", "12.8.0", True),
        ("12.8", "12.8.1", False),
        ("13.0.2", "12.9", False),
        ("6.0", "6.1", True),
        ("2.9", "2.34", True),
        ("13", "13.4", False),
    ],
)
def test_versions_are_compared_as_far_as_both_are_written(version: str, than: str, *, older: bool) -> None:
    assert is_older(version, than) is older
