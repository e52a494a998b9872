import struct
from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.image.loader import read_cache
from bakehouse.prove.linkage import check_linkage
from tests.unit.prove.builders import LIBRARIES, LOADER, PROMISE, Item, bake, file, folder, good_parts, promise, symlink
from tests.unit.prove.elves import AARCH64, AMDGPU, elf

PLUGIN = {"ggml_backend_init": 0, "ggml_backend_score": 0}


def cache(*entries: tuple[str, str]) -> bytes:
    """`/etc/ld.so.cache` as glibc writes it."""
    header = 48 + 24 * len(entries)
    strings, table = b"", b""
    for name, path in entries:
        key = header + len(strings)
        strings += name.encode() + b"\0"
        table += struct.pack("<iIIIQ", 0x303, key, header + len(strings), 0, 0)
        strings += path.encode() + b"\0"
    return b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings)) + bytes(20) + table + strings


def server(**changes: object) -> Item:
    fields: dict[str, object] = {"interpreter": LOADER, "needed": ("libllama.so.0", "libc.so.6"), "runpath": "$ORIGIN"}
    return file("/app/llama-server", elf(**(fields | changes)), mode=0o755)  # type: ignore[arg-type]


def test_the_good_image_is_closed(tmp_path: Path) -> None:
    assert check_linkage(bake(tmp_path), PROMISE).verdict is Verdict.PASSED


def test_a_missing_library_is_named_with_who_needs_it(tmp_path: Path) -> None:
    check = check_linkage(bake(tmp_path, without=[f"{LIBRARIES}/libc.so.6"]), PROMISE)

    assert check.verdict is Verdict.FAILED
    assert "libc.so.6 is missing, needed by /app/llama-server" in check.details
    assert "libc.so.6 is missing, needed by /app/libllama.so.0.1" not in check.details[0]


def test_a_missing_library_of_a_system_library_counts(tmp_path: Path) -> None:
    libc = file(f"{LIBRARIES}/libc.so.6", elf(soname="libc.so.6", needed=("libdeep.so.1",), exports={"malloc": 0}))
    check = check_linkage(bake(tmp_path, add=[libc]), PROMISE)

    assert f"libdeep.so.1 is missing, needed by {LIBRARIES}/libc.so.6" in check.message


def test_a_runpath_of_the_build_folder_fails(tmp_path: Path) -> None:
    check = check_linkage(bake(tmp_path, add=[server(runpath="/build/bin")]), PROMISE)

    assert check.message.startswith("/app/llama-server has RUNPATH /build/bin, which is not in the image; use $ORIGIN")
    assert any(
        "libllama.so.0 is missing, needed by /app/llama-server; /app/libllama.so.0 is not where the loader looks" in d
        for d in check.details
    )


@pytest.mark.parametrize("folder", ["", "lib", "$ORIGIN:"])
def test_a_search_path_that_depends_on_the_working_folder_fails(tmp_path: Path, folder: str) -> None:
    libc = server(rpath=f"{folder}:$ORIGIN", runpath="")

    assert "depends on the folder it is started in" in check_linkage(bake(tmp_path, add=[libc]), PROMISE).message


def test_ld_library_path_of_the_image_counts(tmp_path: Path) -> None:
    changed = [server(runpath="")]

    assert check_linkage(bake(tmp_path, add=changed), PROMISE).verdict is Verdict.FAILED
    environment = {"Env": ["LD_LIBRARY_PATH=/nowhere:/app"]}
    assert check_linkage(bake(tmp_path, add=changed, config=environment), PROMISE).verdict is Verdict.PASSED


def test_rpath_counts_for_what_is_loaded_below_and_runpath_does_not(tmp_path: Path) -> None:
    """DT_RUNPATH is for the direct needs of its own file only: the classic surprise."""
    deep = [
        file("/app/libllama.so.0.1", elf(soname="libllama.so.0", needed=("libdeep.so",))),
        file("/app/deep/libdeep.so", elf(soname="libdeep.so")),
    ]

    by_rpath = bake(tmp_path, add=[*deep, server(runpath="", rpath="$ORIGIN:$ORIGIN/deep")])
    assert check_linkage(by_rpath, PROMISE).verdict is Verdict.PASSED
    by_runpath = bake(tmp_path, add=[*deep, server(runpath="${ORIGIN}:${ORIGIN}/deep")])
    assert "libdeep.so is missing, needed by /app/libllama.so.0.1" in check_linkage(by_runpath, PROMISE).message


def test_a_library_that_only_its_user_knows_how_to_find_is_no_root_of_its_own(tmp_path: Path) -> None:
    """numpy 1.26: an RPATH in its modules, and none in the libraries beside each other that they need."""
    wheel = [
        file("/app/env/libs/libdeep.so", elf(soname="libdeep.so")),
        file("/app/env/libs/libblas.so", elf(soname="libblas.so", needed=("libdeep.so",))),
        file("/app/env/numpy/module.so", elf(needed=("libblas.so",), rpath="$ORIGIN/../libs")),
    ]

    assert check_linkage(bake(tmp_path, add=wheel), PROMISE).verdict is Verdict.PASSED
    assert (
        "libdeep.so is missing, needed by /app/env/libs/libblas.so"
        in check_linkage(bake(tmp_path, add=wheel[:2]), PROMISE).message
    )


def wheels_library(rpath: str) -> Item:
    return file("/app/env/libs/libdcgm.so", elf(soname="libdcgm.so", needed=("libc.so.6",), rpath=rpath))


@pytest.mark.parametrize(
    ("rpath", "words"),
    [("nvidia.libs", "depends on the folder it is started in"), ("/build/lib", "is not in the image")],
)
def test_a_search_path_that_leads_nowhere_is_only_told_of_a_wheels_library(
    tmp_path: Path, rpath: str, words: str
) -> None:
    image = bake(tmp_path, add=[wheels_library(rpath)])
    check = check_linkage(image, promise(foreign=("/app/env/*",)))

    assert check.verdict is Verdict.PASSED
    assert any(words in line for line in check.details)
    assert check_linkage(image, PROMISE).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("rpath", "beside"),
    [
        ("", [file("/work/libc.so.6", elf(soname="libc.so.6", exports={"malloc": 0}))]),
        ("nvidia.libs", [file("/work/nvidia.libs/libc.so.6", elf(soname="libc.so.6", exports={"malloc": 0}))]),
        ("/tmp/build/lib", [folder("/tmp", mode=0o1777)]),
    ],
)
def test_a_search_path_where_something_may_be_found_fails_in_a_wheels_library_too(
    tmp_path: Path, rpath: str, beside: list[Item]
) -> None:
    image = bake(tmp_path, add=[wheels_library(f"{rpath}:$ORIGIN"), *beside], config={"WorkingDir": "/work"})
    check = check_linkage(image, promise(foreign=("/app/env/*",)))

    assert check.verdict is Verdict.FAILED
    assert "has RPATH" in check.message


def test_a_configured_folder_counts_only_through_the_cache(tmp_path: Path) -> None:
    far = [
        server(needed=("libfar.so.1", "libc.so.6")),
        file("/opt/lib/libfar.so.1", elf(soname="libfar.so.1")),
        file("/etc/ld.so.conf.d/far.conf", b"/opt/lib\n"),
    ]

    forgotten = check_linkage(bake(tmp_path, add=far), PROMISE)
    assert "libfar.so.1 is missing" in forgotten.message
    assert "/opt/lib/libfar.so.1 is not where the loader looks" in forgotten.message
    known = file("/etc/ld.so.cache", cache(("libfar.so.1", "/opt/lib/libfar.so.1")))
    assert check_linkage(bake(tmp_path, add=[*far, known]), PROMISE).verdict is Verdict.PASSED


def test_the_cache_is_found_behind_the_older_format() -> None:
    assert read_cache(b"ld.so-1.7.0\0old" + cache(("a", "/x/a"), ("a", "/y/a"))) == {"a": ("/x/a", "/y/a")}
    assert read_cache(b"") == {}


def test_a_library_of_another_machine_is_passed_over(tmp_path: Path) -> None:
    foreign = file("/app/libllama.so.0.1", elf(soname="libllama.so.0", machine=AARCH64, exports={"llama": 0}))

    assert "libllama.so.0 is missing" in check_linkage(bake(tmp_path, add=[foreign]), PROMISE).message


def test_a_symbol_version_that_the_base_lacks_is_named(tmp_path: Path) -> None:
    """Built on a newer Debian than it runs on."""
    libc = file(
        f"{LIBRARIES}/libc.so.6", elf(soname="libc.so.6", exports={"malloc": 0}, defines=("GLIBC_2.2.5", "GLIBC_2.36"))
    )
    check = check_linkage(bake(tmp_path, add=[libc]), PROMISE)

    assert check.message == (
        f"/app/libllama.so.0.1 needs GLIBC_2.38 of libc.so.6, which {LIBRARIES}/libc.so.6 does not have"
    )


def test_a_symbol_that_nothing_defines_is_named_unless_weak(tmp_path: Path) -> None:
    changed = server(undefined=("llama", "llama_new_in_the_next_version"), weak=("__gmon_start__",))
    check = check_linkage(bake(tmp_path, add=[changed]), PROMISE)

    assert check.message == ("/app/llama-server needs symbols that no library defines: llama_new_in_the_next_version")


def test_only_the_drivers_libraries_may_be_missing(tmp_path: Path) -> None:
    plugin = file("/app/libggml-cuda.so", elf(needed=("libcuda.so.1",), exports=PLUGIN, undefined=("cuInit",)))
    image = bake(tmp_path, add=[plugin])

    assert "libcuda.so.1 is missing, needed by /app/libggml-cuda.so" in check_linkage(image, PROMISE).message
    check = check_linkage(image, promise(driver_libraries=frozenset({"libcuda.so.1"})))
    assert check.verdict is Verdict.PASSED
    assert check.details == ["libcuda.so.1 comes with the driver (needed by /app/libggml-cuda.so)"]


def test_what_the_driver_cannot_bring_must_be_defined_by_somebody(tmp_path: Path) -> None:
    symbols = ("cuInit", "cudaMalloc")
    plugin = file("/app/libggml-cuda.so", elf(needed=("libcuda.so.1",), exports=PLUGIN, undefined=symbols))
    check = check_linkage(bake(tmp_path, add=[plugin]), promise(driver_libraries=frozenset({"libcuda.so.1"})))

    assert check.message == "/app/libggml-cuda.so needs symbols that no library defines: cudaMalloc"


def test_what_a_library_beside_a_wheels_own_defines_is_told_and_not_judged(tmp_path: Path) -> None:
    """onnxruntime loads its shared part by name before a provider."""
    provider = file("/app/env/capi/libproviders_cuda.so", elf(undefined=("Provider_GetHost",)))
    shared = file("/app/env/capi/libproviders_shared.so", elf(exports={"Provider_GetHost": 0}))
    image = bake(tmp_path, add=[provider, shared])
    said = "needs symbols of libproviders_shared.so and does not link to it: Provider_GetHost"

    assert check_linkage(image, PROMISE).message == f"/app/env/capi/libproviders_cuda.so {said}"
    check = check_linkage(image, promise(foreign=("/app/env/*",)))
    assert check.verdict is Verdict.PASSED
    assert check.details == [f"/app/env/capi/libproviders_cuda.so {said}"]


def test_a_library_of_a_wheel_must_find_all_its_symbols_beside_it(tmp_path: Path) -> None:
    provider = file("/app/env/capi/libproviders_cuda.so", elf(undefined=("Provider_GetHost", "Provider_Gone")))
    shared = file("/app/env/capi/libproviders_shared.so", elf(exports={"Provider_GetHost": 0}))
    far = file("/app/env/other/libother.so", elf(exports={"Provider_Gone": 0}))
    check = check_linkage(bake(tmp_path, add=[provider, shared, far]), promise(foreign=("/app/env/*",)))
    assert (
        "libproviders_cuda.so needs symbols that no library defines: Provider_GetHost, Provider_Gone" in check.message
    )


def test_a_stub_of_the_driver_would_hide_it(tmp_path: Path) -> None:
    stub = "/usr/local/cuda/stubs/libcuda.so.1"
    plugin = file("/app/libggml-cuda.so", elf(needed=("libcuda.so.1",), exports=PLUGIN))
    parts = [plugin, file(stub, elf()), file("/etc/ld.so.cache", cache(("libcuda.so.1", stub)))]

    check = check_linkage(bake(tmp_path, add=parts), promise(driver_libraries=frozenset({"libcuda.so.1"})))
    assert check.message == f"libcuda.so.1 is the stub {stub}: it would hide the host's driver"


def test_a_plugin_uses_what_its_process_has_loaded(tmp_path: Path) -> None:
    """It has no RUNPATH of its own, and the server brought libllama.so.0 in."""
    plugin = file("/app/libggml-cpu-x64.so", elf(needed=("libllama.so.0",), exports=PLUGIN, undefined=("llama",)))

    assert check_linkage(bake(tmp_path, add=[plugin]), PROMISE).verdict is Verdict.PASSED


def test_a_library_that_no_program_needs_is_checked_too(tmp_path: Path) -> None:
    spare = file("/app/libspare.so", elf(needed=("libnone.so",)))

    assert (
        "libnone.so is missing, needed by /app/libspare.so"
        in check_linkage(bake(tmp_path, add=[spare]), PROMISE).message
    )


def test_a_program_needs_its_loader(tmp_path: Path) -> None:
    image = bake(tmp_path, without=["/lib64"], add=[symlink("/lib64", "usr/lib/nowhere")])

    assert f"is started by {LOADER}, which is not in the image" in check_linkage(image, PROMISE).message


def test_a_script_is_followed_to_its_interpreter(tmp_path: Path) -> None:
    python = file("/usr/bin/python3", elf(interpreter=LOADER, needed=("libpython.so",)), mode=0o755)
    script = file("/app/llama-server", b"#!/usr/bin/env python3\nprint()\n", mode=0o755)

    check = check_linkage(bake(tmp_path, add=[python, script]), PROMISE)
    assert "libpython.so is missing, needed by /usr/bin/python3" in (check.message, *check.details)


def test_a_cut_off_file_is_named(tmp_path: Path) -> None:
    cut = file("/app/libllama.so.0.1", elf(soname="libllama.so.0")[:200])

    assert "/app/libllama.so.0.1 is a damaged ELF file" in check_linkage(bake(tmp_path, add=[cut]), PROMISE).message


def test_an_image_without_a_product_does_not_pass(tmp_path: Path) -> None:
    empty = bake(tmp_path, without=[path for path in good_parts() if path.startswith("/app")])

    assert check_linkage(empty, PROMISE).message == "there is nothing to link: no ELF file in /app, and no entrypoint"


def test_code_that_a_gpu_runs_is_nothing_for_the_loader(tmp_path: Path) -> None:
    """rocBLAS keeps its kernels as ELF files beside it."""
    kernels = file("/app/rocblas/library/k_gfx1100.co", elf(machine=AMDGPU, undefined=("UNDEF",)))
    assert check_linkage(bake(tmp_path, add=[kernels]), PROMISE).verdict is Verdict.PASSED
