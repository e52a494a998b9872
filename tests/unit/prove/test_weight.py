"""Size and leftovers."""

from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.leftovers import check_leftovers
from bakehouse.prove.size import check_size
from tests.unit.prove.builders import PROMISE, bake, file, promise, removed

MIB = 1 << 20


def test_over_the_budget_names_what_takes_the_room(tmp_path: Path) -> None:
    image = bake(tmp_path, then=[[file("/big", bytes(2 * MIB))]])
    check = check_size(image, PROMISE)

    assert check.verdict is Verdict.FAILED
    assert check.message.startswith("2.0 MiB unpacked, 1.0 MiB over the budget of 1.0 MiB")
    assert check.details[0] == "layer 2.0 MiB: COPY 1"
    assert "file 2.0 MiB: /big" in check.details


def test_what_later_layers_delete_counts_and_is_told(tmp_path: Path) -> None:
    image = bake(tmp_path, then=[[file("/big", bytes(2 * MIB))], [removed("/big")]])
    check = check_size(image, PROMISE)

    assert check.verdict is Verdict.FAILED
    assert "2.0 MiB are deleted or replaced by later layers" in check.details
    assert check_size(image, promise(size_budget=3 * MIB)).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/apt/lists/deb.example_dists_trixie_InRelease", "package lists"),
        ("/var/cache/apt/archives/gcc.deb", "a package cache"),
        ("/var/cache/apt/pkgcache.bin", "a package cache"),
        ("/var/log/dpkg.log", "a log"),
        ("/var/log/apt/term.log", "a log"),
        ("/root/.cache/pip/http/x", "a pip cache"),
    ],
)
def test_leftovers_are_named(tmp_path: Path, path: str, kind: str) -> None:
    image = bake(tmp_path, add=[file(path, b"x" * 2048, mode=0o755)])

    assert check_leftovers(image, PROMISE).message == f"{path} is {kind} (2.0 KiB)"
    assert check_leftovers(image, promise(allowed_leftovers=("/nothing", path))).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    "item",
    [
        file("/var/log/lastlog"),
        file("/var/logs/of-something-else", b"x"),
    ],
)
def test_what_only_looks_like_a_leftover_is_none(tmp_path: Path, item: tuple[object, bytes]) -> None:
    assert check_leftovers(bake(tmp_path, add=[item]), PROMISE).verdict is Verdict.PASSED  # type: ignore[list-item]
