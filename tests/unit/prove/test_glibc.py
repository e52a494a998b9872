from __future__ import annotations

from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.prove.glibc import check_glibc
from tests.unit.prove.builders import LIBRARIES, PROMISE, Item, bake, file
from tests.unit.prove.cards import plugin
from tests.unit.prove.elves import elf

STDCXX = file(
    f"{LIBRARIES}/libstdc++.so.6",
    elf(soname="libstdc++.so.6", defines=("GLIBCXX_3.4", "GLIBCXX_3.4.9", "GLIBCXX_3.4.33", "CXXABI_1.3.15")),
)


def needing(*versions: str, library: str = "libc.so.6") -> Item:
    return plugin("x", {}, needed=(library,), needs={library: versions})


def test_what_is_needed_and_what_there_is_are_told_in_numbers(tmp_path: Path) -> None:
    image = bake(tmp_path, add=[STDCXX, needing("GLIBCXX_3.4.9", "GLIBCXX_3.4.32", library="libstdc++.so.6")])
    check = check_glibc(image, PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.PASSED,
        "the product needs GLIBC_2.38 of 2.38, GLIBCXX_3.4.32 of 3.4.33",
    )


def test_numbers_are_compared_as_numbers(tmp_path: Path) -> None:
    """2.9 is older than 2.38, and 3.4.9 than 3.4.33."""
    assert check_glibc(bake(tmp_path, add=[needing("GLIBC_2.9")]), PROMISE).verdict is Verdict.PASSED


def test_a_newer_glibc_than_the_images_is_named(tmp_path: Path) -> None:
    check = check_glibc(bake(tmp_path, add=[needing("GLIBC_2.42")]), PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.FAILED,
        (
            f"/app/libggml-x.so needs GLIBC_2.42, and {LIBRARIES}/libc.so.6 ends at 2.38: it was compiled on a newer "
            "distribution than the image's; compile it on the runtime base, or take a newer runtime base"
        ),
    )


def test_a_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    check = check_glibc(bake(tmp_path, add=[needing("GLIBCXX_3.4.32", library="libstdc++.so.6")]), PROMISE)
    assert check.message == "/app/libggml-x.so needs GLIBCXX_3.4.32, and libstdc++.so.6 is not in the image"


def test_a_second_c_library_is_named(tmp_path: Path) -> None:
    copied = file("/app/libstdc++.so.6.0.35", elf(soname="libstdc++.so.6"))
    check = check_glibc(bake(tmp_path, add=[copied]), PROMISE)
    assert check.message == (
        "/app/libstdc++.so.6.0.35 is a second copy of a library of the base: two runtimes in a process do not agree"
    )
