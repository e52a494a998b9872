from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.device_code.cuobjdump import check_cuobjdump, parse
from bakehouse.prove.device_code.parts import Form
from tests.unit.prove.builders import PROMISE, bake
from tests.unit.prove.cards import CUDA_PROMISE, bake_cuda, plugin, promise_cuda

LISTED = """ELF file    1: plugin.1.sm_86.cubin
ELF file    2: plugin.2.sm_120.cubin
ELF file    3: plugin.3.sm_86.cubin
PTX file    1: plugin.1.sm_90.ptx
"""
NONE = "cuobjdump info    : No PTX file found to extract from 'plugin.so'. You may try with -all option."


def says(folder: Path, text: str, *, complaint: str = NONE, code: int = 0) -> Path:
    """A program that prints this, whatever it is asked."""
    program = folder / "cuobjdump"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\necho \"{complaint}\" >&2\nexit {code}\n")
    program.chmod(0o755)
    return program


def test_its_lines_are_counted_by_form_and_code() -> None:
    assert parse(LISTED) == {Form.NATIVE: {"sm_86": 2, "sm_120": 1}, Form.PTX: {"sm_90": 1}}
    assert parse(NONE) == {Form.NATIVE: {}, Form.PTX: {}}


def test_two_who_agree_pass(tmp_path: Path) -> None:
    check = check_cuobjdump(
        bake_cuda(tmp_path, "cuda12-sm_86", "cuda13-sm_86"),
        CUDA_PROMISE,
        program=says(tmp_path, "ELF file    1: plugin.1.sm_86.cubin\nELF file    2: plugin.2.sm_86.cubin"),
    )
    assert (check.verdict, check.message) == (
        Verdict.PASSED,
        "NVIDIA's cuobjdump agrees: libggml-cuda.so: 2 x sm_86",
    )


@pytest.mark.parametrize("code", ["sm_120a", "sm_120f"])
def test_suffixes_are_nothing_to_it(tmp_path: Path, code: str) -> None:
    check = check_cuobjdump(
        bake_cuda(tmp_path, f"cuda13-{code}"),
        promise_cuda(codes=(code,)),
        program=says(tmp_path, "ELF file    1: plugin.1.sm_120.cubin"),
    )
    assert check.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (
            "ELF file    1: plugin.1.sm_120a.cubin",
            "libggml-cuda.so: cuobjdump lists native code for sm_120, promised is sm_86 (and 1 more)",
        ),
        (
            "ELF file    1: plugin.1.sm_86.cubin\nELF file    2: plugin.2.sm_86.cubin",
            (
                "libggml-cuda.so: cuobjdump lists 2 x sm_86 of native code, we read 1 x sm_86: one of the two reads it "
                "wrong, so neither can be trusted"
            ),
        ),
        (
            "ELF file    1: plugin.1.sm_86.cubin\nPTX file    1: plugin.1.sm_86.ptx",
            "libggml-cuda.so: cuobjdump lists ptx code for sm_86, promised is nothing (and 1 more)",
        ),
    ],
)
def test_two_who_disagree_fail(tmp_path: Path, listing: str, said: str) -> None:
    check = check_cuobjdump(bake_cuda(tmp_path), CUDA_PROMISE, program=says(tmp_path, listing))
    assert (check.verdict, check.message) == (Verdict.FAILED, said)


def test_what_it_cannot_read_fails_with_its_words(tmp_path: Path) -> None:
    image = bake_cuda(tmp_path, add=[plugin("cuda", {".nv_fatbin": b"broken"})])
    complaint = "cuobjdump fatal   : Invalid fatbin header in 'plugin.so'"
    check = check_cuobjdump(image, CUDA_PROMISE, program=says(tmp_path, "", complaint=complaint, code=1))
    assert check.verdict is Verdict.FAILED
    assert check.details[0] == (
        f"libggml-cuda.so: cuobjdump lists native code for nothing, promised is sm_86 ({complaint})"
    )


def test_without_the_program_nothing_is_said_about_the_image(tmp_path: Path) -> None:
    check = check_cuobjdump(bake_cuda(tmp_path), CUDA_PROMISE, why_not="BAKEHOUSE_OFFLINE is set")
    assert check.verdict is Verdict.ERRORED
    assert check.message.startswith("there is no cuobjdump: BAKEHOUSE_OFFLINE is set; ")


def test_other_accelerators_have_no_such_program(tmp_path: Path) -> None:
    assert check_cuobjdump(bake(tmp_path), PROMISE).verdict is Verdict.SKIPPED
