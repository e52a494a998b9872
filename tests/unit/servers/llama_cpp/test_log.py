"""The logs are real ones of llama.cpp 0c1e57098, abridged: of each graph the first layers and the last operations."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.servers.device_log import ModelPlacement
from bakehouse.servers.llama_cpp.log import placed

LOGS = Path(__file__).parent / "logs"


def read(name: str) -> str:
    return (LOGS / f"{name}.txt").read_text(encoding="utf-8")


def test_a_server_that_loads_twice_is_read_the_second_time() -> None:
    """The first time it only measures, to fit itself to the card's memory: its buffers have no size."""
    model = placed(read("lavapipe"))
    assert (model.using, model.offloaded, model.layers) == ("llvmpipe (LLVM 19.1.7, 256 bits)", 31, 31)
    assert model.weights == {"CPU_Mapped": 28.69, "Vulkan0": 92.1}
    assert model.cache == {"Vulkan0": 180.0}
    assert model.compute == {"Vulkan0": 19.26, "Vulkan_Host": 10.26}


def test_operations_belong_to_the_backend_of_their_split() -> None:
    model = placed(read("lavapipe"))
    assert model.operations["CPU", "GET_ROWS"] == 2
    assert model.operations["Vulkan0", "FLASH_ATTN"] == 2
    assert {backend for backend, _ in model.operations} == {"CPU", "Vulkan0"}
    assert model.weights_in_memory == {"token_embd.weight"}


def test_nothing_offloaded() -> None:
    model = placed(read("no-layers"))
    assert (model.offloaded, model.layers) == (0, 31)
    assert model.weights == {"CPU_Mapped": 92.1}
    assert "blk.0.attn_q.weight" in model.weights_in_memory


def test_no_plugin() -> None:
    model = placed(read("no-plugin"))
    assert (model.using, model.layers) == (None, 0)
    assert {backend for backend, _ in model.operations} == {"CPU"}


def test_operations_before_it_was_ready_do_not_count() -> None:
    before = "## SPLIT #0: CPU # 0 inputs\nnode #  0 (   MUL_MAT): x (   4K) [  CPU         ]\n"
    assert not placed(before + "sched_reserve: reserve took 1.00 ms, sched copies = 1\n").operations


@pytest.mark.parametrize("log", ["", "nothing of that kind\n"])
def test_another_servers_log(log: str) -> None:
    empty = placed(log)
    assert isinstance(empty, ModelPlacement)
    assert not empty.operations
    assert not empty.weights


def test_several_buffers_of_one_name_add_up() -> None:
    log = "load_tensors:        CUDA0 model buffer size =  1000.50 MiB\n" * 2
    assert placed(log).weights == {"CUDA0": 2001.0}


def test_lines_with_times_and_levels() -> None:
    """As a recipe's own arguments may switch them on again."""
    log = "0.00.027.224 I load_tensors: offloaded 5/31 layers to GPU\n0.1 I sched_reserve: reserve took 1 ms\n"
    log += "## SPLIT #0: CUDA0 # 0 inputs0.00.543.559 D \n0.0 D node #  0 (  MUL_MAT): x\n"
    model = placed(log)
    assert model.offloaded == 5
    assert model.operations["CUDA0", "MUL_MAT"] == 1
