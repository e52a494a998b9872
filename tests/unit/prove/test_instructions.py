from itertools import pairwise
from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.instruction_sets import BASELINE, levels
from bakehouse.prove.instructions import check_instructions
from bakehouse.servers.llama_cpp.plugins import PLUGINS
from tests.unit.prove import elves
from tests.unit.prove.builders import PROMISE, Item, bake, file, good_parts, promise
from tests.unit.prove.elves import AMX, AVX2, AVX512, AVX_VNNI, CPUID, LZCNT, RET, TZCNT, elf

SCORED = {"ggml_backend_init": 0, "ggml_backend_score": 1}


def variant(name: str, code: bytes, **fields: object) -> Item:
    content = elf(exports=SCORED, code=RET + RET + code, **fields)  # type: ignore[arg-type]
    return file(f"/app/libggml-cpu-{name}.so", content)


def test_avx_in_a_file_for_every_cpu_is_named_with_its_place(tmp_path: Path) -> None:
    leak = file("/app/libllama.so.0.1", elf(soname="libllama.so.0", code=RET + AVX2))
    check = check_instructions(bake(tmp_path, add=[leak]), PROMISE)

    assert check.verdict is Verdict.FAILED
    assert check.message == "/app/libllama.so.0.1 uses AVX2, beyond x64: vpaddd ymm0,ymm1,ymm2 at 0x1001"


@pytest.mark.parametrize(
    ("name", "code", "beyond"),
    [
        ("x64", AVX2, "AVX2"),
        ("sse42", AVX2, "AVX2"),
        ("haswell", AVX2, None),
        ("haswell", AVX512, "AVX512F"),
        ("haswell", AVX_VNNI, "AVX_VNNI"),
        ("alderlake", AVX_VNNI, None),
        ("skylakex", AVX512, None),
        ("zen4", AMX, "AMX_TILE"),
        ("sapphirerapids", AMX, None),
        ("haswell", LZCNT, "LZCNT"),
        ("x64", TZCNT, None),
        ("a-name-from-the-future", AVX2, "AVX2"),
    ],
)
def test_each_variant_may_use_its_own_level(tmp_path: Path, name: str, code: bytes, beyond: str | None) -> None:
    check = check_instructions(bake(tmp_path, add=[variant(name, code)]), PROMISE)

    assert check.verdict is (Verdict.FAILED if beyond else Verdict.PASSED)
    if beyond:
        assert f"libggml-cpu-{name}.so uses {beyond}, beyond " in check.message


def test_the_score_is_asked_on_any_cpu(tmp_path: Path) -> None:
    """A haswell plugin may hold AVX2, but not in what runs before its score is known: reached by a call here."""
    call_next = b"\xe8\x01\x00\x00\x00" + RET  # call over the ret, to the code behind it
    scored = elf(exports={"ggml_backend_init": 0, "ggml_backend_score": 1}, code=RET + call_next + AVX2 + RET)
    check = check_instructions(bake(tmp_path, add=[file("/app/libggml-cpu-haswell.so", scored)]), PROMISE)

    assert check.message == (
        "/app/libggml-cpu-haswell.so when it is loaded and scored, on any CPU, uses AVX2, beyond x64: "
        "vpaddd ymm0,ymm1,ymm2 at 0x1007"
    )


@pytest.mark.parametrize("relocated", [True, False])
def test_initializers_run_on_any_cpu(tmp_path: Path, relocated: bool) -> None:
    early = variant("haswell", AVX2 + RET, initializers=(2,), relocated=relocated)

    assert "when it is loaded and scored" in check_instructions(bake(tmp_path, add=[early]), PROMISE).message


def test_what_a_file_asks_the_cpu_for_is_excused_by_name(tmp_path: Path) -> None:
    asks = file("/app/libmtmd.so.0.1", elf(code=CPUID + LZCNT))
    check = check_instructions(bake(tmp_path, add=[asks]), PROMISE)
    assert check.verdict is Verdict.PASSED
    assert any("LZCNT is allowed: miniaudio" in line for line in check.details)

    never_asks = file("/app/libmtmd.so.0.1", elf(code=LZCNT))
    assert check_instructions(bake(tmp_path, add=[never_asks]), PROMISE).verdict is Verdict.FAILED


def test_levels_can_be_promised_by_file_name(tmp_path: Path) -> None:
    fast = file("/app/libfast.so", elf(code=AVX2))

    expectation = promise(instruction_levels={"libfast*": "haswell"})
    assert check_instructions(bake(tmp_path, add=[fast]), expectation).verdict is Verdict.PASSED


def test_native_in_the_compilers_notes_fails(tmp_path: Path) -> None:
    native = file("/app/libllama.so.0.1", elf(comment=b"GNU C17 -O3 -march=native"))

    message = check_instructions(bake(tmp_path, add=[native]), PROMISE).message
    assert message == "/app/libllama.so.0.1 was compiled for the build machine: -march=native"


def test_other_machines_are_skipped_with_a_reason(tmp_path: Path) -> None:
    arm = file("/app/llama-server", elf(machine=elves.AARCH64))
    others = [path for path in good_parts() if path.startswith("/app/")]
    check = check_instructions(bake(tmp_path, without=others, add=[arm], architecture="arm64"), PROMISE)

    assert check.verdict is Verdict.SKIPPED
    assert "only x86-64 code is read" in check.message


def test_every_level_holds_the_baseline_and_haswell_lies_below_avx512() -> None:
    known = levels(PLUGINS)
    assert all(features >= BASELINE for features in known.values())
    assert known["x64"] == BASELINE
    growing = ["haswell", "skylakex", "icelake", "zen4", "sapphirerapids"]
    assert all(known[low] < known[high] for low, high in pairwise(growing))
    assert not any(feature.startswith("AVX512") for feature in known["alderlake"])


def test_without_a_familys_plugins_there_is_the_baseline() -> None:
    assert levels(None) == {"x64": BASELINE}
