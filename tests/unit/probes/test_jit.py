from __future__ import annotations

import pytest

from bakehouse.probes import ProbeFailed, jit

ENDED = ProbeFailed("it ended with status 134 instead of serving")


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: PTX JIT compilation was disabled",
        "CUDA error: no kernel image is available for execution on the device",
        "CUDA error: the provided PTX was compiled with an unsupported toolchain.",
    ],
)
def test_a_start_that_needs_ptx(said: str) -> None:
    found = jit.needed_jit(
        ENDED, f"load\n{said}\n  current device: 0\n", device="an RTX 5090", archs=["sm_86", "sm_89"]
    )
    assert str(found).startswith(f"it has no native code for an RTX 5090: {said}")
    assert "native code for sm_86, sm_89. Ask which image the card wants" in str(found.hint)


def test_an_image_that_forces_ptx_lacks_no_code() -> None:
    """Seen: "it has no native code" and "holds native code for sm_90" in one breath."""
    said = "CUDA error: no kernel image is available for execution on the device"
    sets = ["PATH=/bin", "CUDA_FORCE_PTX_JIT=1"]
    found = jit.needed_jit(ENDED, said, device="NVIDIA H200", archs=["sm_90"], environment=sets)
    assert found.message.startswith("the image sets CUDA_FORCE_PTX_JIT: every start compiles PTX")
    assert found.message.endswith(said)
    assert "no native code" not in found.message
    assert "native code for" not in str(found.hint)
    assert "no native code" in str(jit.needed_jit(ENDED, said, device="x", archs=["sm_90"], environment=["A=b"]))


def test_other_ends_stay_what_they_are() -> None:
    assert jit.needed_jit(ENDED, "CUDA error: out of memory\n", device="x", archs=[]) is ENDED


def test_an_image_must_not_force_it() -> None:
    with pytest.raises(ProbeFailed, match="sets CUDA_FORCE_PTX_JIT"):
        jit.forces_none(["PATH=/bin", "CUDA_FORCE_PTX_JIT=1"])
    jit.forces_none(["CUDA_FORCE_PTX_JIT=0", "NOT_CUDA_FORCE_PTX_JIT=1"])


def test_both_starts_are_told() -> None:
    assert jit.starts(54.65, 1.8) == "ready after 54.6 s, and after 1.8 s with what the driver had compiled before"
