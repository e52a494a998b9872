from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.publish.debian_version import is_older
from bakehouse.system import process

VERSIONS = st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~]{0,6}(-[A-Za-z0-9.+~]{1,4})?", fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0", "1.0+b1"),
        ("1.9", "1.10"),
        ("2.0", "1:1.0"),
        ("1.0-1", "1.0-1.1"),
        ("1.0a", "1.0+"),
        ("2.41-12", "2.41-12+deb13u1"),
        ("1.0~~", "1.0~~a"),
    ],
)
def test_older(one: str, other: str) -> None:
    assert is_older(one, other)
    assert not is_older(other, one)
    assert not is_older(one, one)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="this system is not Debian's: no dpkg")
@settings(max_examples=60)
@given(one=VERSIONS, other=VERSIONS)
def test_as_dpkg_does(one: str, other: str) -> None:
    done = process.run(["dpkg", "--compare-versions", one, "lt", other], check=False)
    assert is_older(one, other) == (done.code == 0)
