from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.contents import check_plugins, check_symlinks
from tests.unit.prove.builders import PROMISE, bake, file, promise, symlink
from tests.unit.prove.elves import AARCH64, elf

INIT = {"ggml_backend_init": 0}


def test_missing_and_unexpected_plugins_are_both_named(tmp_path: Path) -> None:
    extra = file("/app/libggml-vulkan.so", elf(exports=INIT))
    image = bake(tmp_path, without=["/app/libggml-cpu-x64.so"], add=[extra])
    check = check_plugins(image, PROMISE)

    assert check.verdict is Verdict.FAILED
    assert check.details[:2] == [
        "libggml-cpu-x64.so is not in /app",
        "libggml-vulkan.so is in /app and was not promised",
    ]


def test_a_plugin_must_export_what_ggml_asks_for(tmp_path: Path) -> None:
    empty = file("/app/libggml-cpu-x64.so", elf(exports={"something": 0}))
    assert "exports no ggml_backend_init" in check_plugins(bake(tmp_path, add=[empty]), PROMISE).message

    unscored = file("/app/libggml-cpu-x64.so", elf(exports=INIT))
    message = check_plugins(bake(tmp_path, add=[unscored]), PROMISE).message
    assert message == "libggml-cpu-x64.so does not export ggml_backend_score"


def test_only_cpu_variants_need_a_score(tmp_path: Path) -> None:
    image = bake(tmp_path, add=[file("/app/libggml-cuda.so", elf(exports=INIT))])

    assert check_plugins(image, promise(plugins=(*PROMISE.plugins, "libggml-cuda.so"))).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (symlink("/app/libllama.so.0", "libllama.so.0.2"), "/app/libllama.so.0 -> libllama.so.0.2 leads nowhere"),
        (symlink("/app/a", "../../build/bin/a"), "/app/a -> ../../build/bin/a leads out of the image"),
        (symlink("/app/b", "/build/bin/b"), "/app/b -> /build/bin/b leads nowhere"),
    ],
)
def test_symlinks_lead_to_files(tmp_path: Path, link: tuple[object, bytes], message: str) -> None:
    check = check_symlinks(bake(tmp_path, add=[link]), PROMISE)  # type: ignore[list-item]

    assert check.verdict is Verdict.FAILED
    assert message in (check.message, *check.details)


def test_a_missing_or_misled_soname_link_is_named(tmp_path: Path) -> None:
    missing = check_symlinks(bake(tmp_path, without=["/app/libllama.so.0"]), PROMISE)
    assert missing.message == (
        "/app/libllama.so.0.1 is looked for as libllama.so.0, and there is no such symlink beside it"
    )

    stale = [
        file("/app/libllama.so.0.0", elf(soname="libllama.so.0")),
        symlink("/app/libllama.so.0", "libllama.so.0.0"),
    ]
    misled = check_symlinks(bake(tmp_path, add=stale), PROMISE)
    assert misled.message == "/app/libllama.so.0.1 is looked for as libllama.so.0, which leads to /app/libllama.so.0.0"


def test_dangling_symlinks_elsewhere_are_told_and_not_judged(tmp_path: Path) -> None:
    links = [symlink("/etc/alternatives/man", "/usr/share/man/x"), symlink("/dev/stdout", "/proc/self/fd/1")]
    check = check_symlinks(bake(tmp_path, add=links), PROMISE)

    assert check.verdict is Verdict.PASSED
    assert check.details == ["elsewhere: 1 dangling in /etc/alternatives, for example man"]


CUDA = promise(plugins=(*PROMISE.plugins, "libggml-cuda.so"))


@pytest.mark.parametrize(
    ("items", "said"),
    [
        pytest.param(
            [file("/usr/lib/libggml-cuda.so", elf(exports=INIT))],
            "libggml-cuda.so is not in /app, but it is /usr/lib/libggml-cuda.so, where ggml does not look",
            id="wrong folder",
        ),
        pytest.param(
            [file("/app/libggml-cuda.so", elf(exports=INIT, machine=AARCH64))],
            "libggml-cuda.so is for EM_AARCH64, the server for EM_X86_64: it is passed over without a word",
            id="wrong machine",
        ),
        pytest.param(
            [
                file("/app/libggml-cuda.so", elf(exports=INIT, soname="libggml-cuda.so.1")),
                symlink("/app/libggml-cuda.so.1", "libggml-cuda.so"),
            ],
            "libggml-cuda.so calls itself libggml-cuda.so.1; plugins have no versions",
            id="wrong soname",
        ),
        pytest.param(
            [file("/app/libggml-cuda.so", elf(exports=INIT, needed=("libllama.so.0",), runpath="/build/bin"))],
            "libggml-cuda.so needs libllama.so.0, which lies beside it, and its RUNPATH is not $ORIGIN",
            id="wrong RUNPATH",
        ),
        pytest.param(
            [file("/app/libggml-cuda.so", elf(exports={"ggml_backend_cuda_init": 0}))],
            "libggml-cuda.so is no plugin: it exports no ggml_backend_init",
            id="not built as a plugin",
        ),
    ],
)
def test_a_plugin_that_would_not_be_loaded_is_named(
    tmp_path: Path, items: list[tuple[object, bytes]], said: str
) -> None:
    """ggml passes it over without a word, and the server runs on the CPU."""
    check = check_plugins(bake(tmp_path, add=items), CUDA)  # type: ignore[arg-type]
    assert (check.verdict, check.message) == (Verdict.FAILED, said)


def test_a_plugin_that_finds_what_lies_beside_it_passes(tmp_path: Path) -> None:
    plugin = file("/app/libggml-cuda.so", elf(exports=INIT, needed=("libllama.so.0",), runpath="$ORIGIN"))
    assert check_plugins(bake(tmp_path, add=[plugin]), CUDA).verdict is Verdict.PASSED


def test_of_a_family_whose_plugins_are_not_known_they_must_be_there(tmp_path: Path) -> None:
    promised = promise(plugin_kind=None, plugins=("libggml-cpu-x64.so",))
    image = bake(tmp_path)

    assert check_plugins(image, promised).verdict is Verdict.PASSED
    missing = check_plugins(image, replace(promised, plugins=("libx.so",)))
    assert missing.verdict is Verdict.FAILED
    assert "libx.so is not in /app" in "\n".join([missing.message, *missing.details])
