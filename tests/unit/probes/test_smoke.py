from __future__ import annotations

from collections.abc import Sequence

import pytest

from bakehouse.engine.container import Finished
from bakehouse.probes import ProbeFailed, smoke
from bakehouse.servers.llama_cpp import log

VERBOSE = """\
0.00.013.242 I load_backend: loaded CPU backend from /app/libggml-cpu-zen4.so
0.00.013.300 I load_backend: loaded Vulkan backend from /app/libggml-vulkan.so
Available devices:
  Vulkan0: llvmpipe (LLVM 19.1.7, 256 bits) (3936 MiB, 3936 MiB free)
"""


def answering(output: str, *, exit_code: int = 0, oom_killed: bool = False) -> smoke.Ask:
    def ask(args: Sequence[str]) -> Finished:
        return Finished(exit_code=exit_code, output=output, oom_killed=oom_killed)

    return ask


def test_version() -> None:
    ask = answering("version: 0.5.0-dev (build 11312, commit 0c1e57098)\nbuilt with GNU 14.2.0 for Linux x86_64\n")
    assert smoke.prints_version(ask, ["--version"], "build 11312, commit 0c1e57098").startswith("version: 0.5.0-dev")
    with pytest.raises(ProbeFailed, match=r"does not say 'build 9999'; it says:\nversion: 0\.5\.0-dev"):
        smoke.prints_version(ask, ["--version"], "build 9999")


def test_devices() -> None:
    assert smoke.lists_devices(answering("Available devices:\n  (none)\n"), log) == []
    (device,) = smoke.lists_devices(answering(VERBOSE), log)
    assert device.startswith("Vulkan0: llvmpipe")


def test_plugins() -> None:
    files = ["llama-server", "libggml-cpu-x64.so", "libggml-base.so"]
    smoke.has_plugins(files, ["libggml-cpu-x64.so"], named="libggml-*")
    with pytest.raises(ProbeFailed) as caught:
        smoke.has_plugins(files, ["libggml-cuda.so", "libggml-cpu-x64.so"], named="libggml-*")
    assert caught.value.message == "the image lacks libggml-cuda.so"
    assert "It has libggml-base.so, libggml-cpu-x64.so." in str(caught.value)


def test_a_server_whose_last_line_was_lost_is_asked_again() -> None:
    answers = iter(["Available devices:\n  (none)\n", VERBOSE])

    def ask(args: Sequence[str]) -> Finished:
        return answering(next(answers))(args)

    assert smoke.loads_cpu_plugin(ask, log, []) == "libggml-cpu-zen4.so"


def test_loaded_cpu_plugin() -> None:
    assert smoke.loads_cpu_plugin(answering(VERBOSE), log, ["libggml-cpu-zen4.so"]) == "libggml-cpu-zen4.so"
    with pytest.raises(ProbeFailed, match=r"loaded libggml-cpu-zen4\.so, which the plan does not name"):
        smoke.loads_cpu_plugin(answering(VERBOSE), log, ["libggml-cpu-x64.so"])
    with pytest.raises(ProbeFailed, match="no CPU backend on this machine"):
        smoke.loads_cpu_plugin(answering("Available devices:\n  (none)\n"), log, [])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (answering("llama-server: error while loading shared libraries: libmtmd.so.0", exit_code=127), "status 127"),
        (answering("", exit_code=1), "(it said nothing)"),
        (answering("loading", exit_code=-1), "did not end by itself"),
        (answering("loading", exit_code=137, oom_killed=True), "memory limit"),
        (answering("  \n"), "prints nothing"),
    ],
    ids=["linkage", "silent", "hangs", "memory", "empty"],
)
def test_a_program_that_does_not_answer_is_wrong_and_the_message_says_how(ask: smoke.Ask, message: str) -> None:
    with pytest.raises(ProbeFailed) as caught:
        smoke.prints_help(ask, ["--help"])
    assert message in caught.value.message


def test_a_missing_library_is_named_and_explained() -> None:
    said = "llama-server: error while loading shared libraries: libmtmd.so.0: cannot open shared object file"
    with pytest.raises(ProbeFailed) as caught:
        smoke.prints_help(answering(said, exit_code=127), ["--help"])
    assert "libmtmd.so.0" in caught.value.message
    assert "rpath" in (caught.value.hint or "")
