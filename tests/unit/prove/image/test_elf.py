import contextlib
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.prove.image.elf import BrokenElfError, read_elf
from tests.unit.prove.elves import CODE, RET, elf

WHOLE = elf(
    soname="liba.so.1",
    needed=("libb.so", "libc.so.6"),
    runpath="$ORIGIN:/opt/lib",
    exports={"begin": 0, "end": 1},
    undefined=("malloc",),
    weak=("maybe",),
    defines=("A_1", "A_2"),
    needs={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.38"), "libb.so": ("B_1",)},
    code=RET + RET,
    initializers=(1,),
    comment=b"GCC 14",
)


def test_everything_that_the_loader_needs_is_read() -> None:
    found = read_elf(io.BytesIO(WHOLE), path="/app/liba.so.1")

    assert found is not None
    assert (found.machine, found.bits, found.is_program, found.interpreter) == ("EM_X86_64", 64, False, "")
    assert (found.soname, found.needed, found.runpath) == (
        "liba.so.1",
        ("libb.so", "libc.so.6"),
        ("$ORIGIN", "/opt/lib"),
    )
    assert found.versions_defined == {"A_1", "A_2"}
    assert found.versions_needed == {"libc.so.6": {"GLIBC_2.2.5", "GLIBC_2.38"}, "libb.so": {"B_1"}}
    assert found.defined == {"begin": CODE, "end": CODE + 1}
    assert found.undefined == {"malloc"}
    assert [(code.name, code.address, code.content) for code in found.code] == [(".text", CODE, RET + RET)]
    assert found.initializers == (CODE + 1,)
    assert found.notes == b"GCC 14"


def test_other_files_are_no_elf_files() -> None:
    assert read_elf(io.BytesIO(b"#!/bin/sh\n"), path="/x") is None
    assert read_elf(io.BytesIO(b""), path="/x") is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(4, len(WHOLE) - 1), st.integers(0, 255)), max_size=6), st.integers(64, len(WHOLE))
)
def test_a_damaged_file_is_read_or_called_damaged(changes: list[tuple[int, int]], length: int) -> None:
    content = bytearray(WHOLE)
    for place, value in changes:
        content[place] = value

    with contextlib.suppress(BrokenElfError):
        read_elf(io.BytesIO(bytes(content[:length])), path="/x")
