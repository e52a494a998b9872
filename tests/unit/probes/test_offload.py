from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.engine.container import Finished
from bakehouse.model.enums import AcceleratorName
from bakehouse.probes import ProbeFailed, offload
from bakehouse.servers.device_log import ModelPlacement
from bakehouse.servers.llama_cpp import log
from bakehouse.servers.llama_cpp.log import placed

LOGS = Path(__file__).parents[1] / "servers/llama_cpp/logs"
VULKAN, CUDA = AcceleratorName.VULKAN, AcceleratorName.CUDA
CHECKS = (offload.offloads_layers, offload.keeps_cache, offload.has_compute_buffer, offload.computes)


def model(name: str) -> ModelPlacement:
    return placed((LOGS / f"{name}.txt").read_text(encoding="utf-8"))


def listed(name: str) -> Finished:
    return Finished(exit_code=0, output=(LOGS / f"list-{name}.txt").read_text(encoding="utf-8"))


def test_a_server_on_the_device_passes() -> None:
    good = model("lavapipe")
    assert [check(good, log, VULKAN) for check in CHECKS] == [
        "31 of 31 layers on Vulkan0 (CPU_Mapped 28.69 MiB, Vulkan0 92.1 MiB)",
        "KV cache: Vulkan0 180 MiB",
        "compute buffers: Vulkan0 19.26 MiB, Vulkan_Host 10.26 MiB",
        "66 of 68 operations on Vulkan, the others look up token embeddings",
    ]


def test_what_is_on_one_backend_is_not_on_another() -> None:
    for check in CHECKS:
        with pytest.raises(ProbeFailed):
            check(model("lavapipe"), log, CUDA)


# ---------------------------------------------------------------------------------------------- lies


def test_a_plugin_that_does_not_load() -> None:
    with pytest.raises(ProbeFailed, match="did not load its Vulkan plugin, so that it would run on the CPU") as caught:
        offload.sees_device(listed("no-plugin"), log, VULKAN, device="a card")
    assert "libggml-vulkan.so is not beside the program" in str(caught.value.hint)
    for check in CHECKS:
        with pytest.raises(ProbeFailed):
            check(model("no-plugin"), log, VULKAN)
    with pytest.raises(
        ProbeFailed, match=r"^no layer is on the GPU: the model runs on the CPU \(CPU_Mapped 92.1 MiB\)"
    ):
        offload.offloads_layers(model("no-plugin"), log, VULKAN)


def test_no_layers_are_offloaded() -> None:
    with pytest.raises(ProbeFailed, match=r"^0 of 31 layers are on the GPU") as caught:
        offload.offloads_layers(model("no-layers"), log, VULKAN)
    assert "LLAMA_ARG_N_GPU_LAYERS" in str(caught.value.hint)
    with pytest.raises(ProbeFailed, match="the KV cache is not on the GPU: CPU 180 MiB"):
        offload.keeps_cache(model("no-layers"), log, VULKAN)
    with pytest.raises(ProbeFailed, match=r"operations fell back to the CPU: \d+ MUL_MAT"):
        offload.computes(model("no-layers"), log, VULKAN)


def test_a_device_that_is_not_visible() -> None:
    with pytest.raises(ProbeFailed) as caught:
        offload.sees_device(listed("no-device"), log, VULKAN, device="AMD Radeon RX 7900 XTX")
    assert "sees no Vulkan device, although the container has AMD Radeon RX 7900 XTX" in str(caught.value)
    assert "ggml_vulkan: No devices found." in str(caught.value)
    with pytest.raises(ProbeFailed, match="uses no device"):
        offload.says_device(model("no-plugin"), expected="a card", is_software=True)


def test_a_cuda_that_does_not_come_up() -> None:
    """The words are from ggml-cuda.cu; no such card was here."""
    said = "ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version"
    text = f"{said}\nload_backend: loaded CUDA backend from /app/libggml-cuda.so\nAvailable devices:\n  (none)\n"
    with pytest.raises(ProbeFailed) as caught:
        offload.sees_device(Finished(exit_code=0, output=text), log, CUDA, device="NVIDIA GeForce RTX 5090")
    assert "driver version is insufficient" in str(caught.value)
    assert "plan --driver" in str(caught.value.hint)


def test_layers_that_did_not_fit() -> None:
    half = replace(model("lavapipe"), offloaded=10)
    with pytest.raises(ProbeFailed, match=r"^10 of 31 layers are on the GPU") as caught:
        offload.offloads_layers(half, log, VULKAN)
    assert "free memory" in str(caught.value.hint)


def test_single_operations_that_fall_back() -> None:
    good = model("lavapipe")
    some = replace(good, operations=good.operations + Counter({("CPU", "ROPE"): 3, ("CPU", "FLASH_ATTN"): 1}))
    with pytest.raises(ProbeFailed, match=r"^4 of 72 operations fell back to the CPU: 3 ROPE, 1 FLASH_ATTN"):
        offload.computes(some, log, VULKAN)


def test_weights_that_are_left_in_memory() -> None:
    some = replace(model("lavapipe"), weights_in_memory=frozenset({"token_embd.weight", "blk.0.ffn_down.weigh"}))
    with pytest.raises(ProbeFailed, match=r"read from the processor's memory: blk\.0\.ffn_down\.weigh"):
        offload.computes(some, log, VULKAN)


def test_a_log_that_nobody_understands_is_no_proof() -> None:
    with pytest.raises(ProbeFailed, match="names no operation"):
        offload.computes(placed("all is well\n"), log, VULKAN)


def test_software_where_a_card_was_given() -> None:
    with pytest.raises(ProbeFailed, match=r"llvmpipe .* computes: a driver in software"):
        offload.says_device(model("lavapipe"), expected="AMD Radeon RX 7900 XTX", is_software=False)
    said = offload.says_device(model("lavapipe"), expected="lavapipe (software)", is_software=True)
    assert "its rates say nothing of any card" in said


def test_a_card_computes() -> None:
    card = replace(model("lavapipe"), using="AMD Radeon RX 7900 XTX (RADV NAVI31)")
    assert offload.says_device(card, expected="x", is_software=False) == "AMD Radeon RX 7900 XTX (RADV NAVI31) computes"


def test_list_devices_that_crashes() -> None:
    with pytest.raises(ProbeFailed, match="ended with status 139"):
        offload.sees_device(Finished(exit_code=139, output=""), log, VULKAN, device="x")


def test_the_device_is_named() -> None:
    line = offload.sees_device(listed("lavapipe"), log, VULKAN, device="x", is_software=True)
    assert line.startswith("Vulkan0: llvmpipe (LLVM 19.1.7, 256 bits) (24105 MiB")


def test_software_is_no_card() -> None:
    with pytest.raises(ProbeFailed, match=r"a driver in software alone \(Vulkan0: llvmpipe.*has NVIDIA RTX 4090"):
        offload.sees_device(listed("lavapipe"), log, VULKAN, device="NVIDIA RTX 4090")


@pytest.mark.parametrize(("held", "says"), [(None, "does not say"), (300 << 20, "holds 300 MiB")])
def test_the_drivers_word(held: int | None, says: str) -> None:
    assert says in offload.agrees(model("lavapipe"), log, VULKAN, held=held)


def test_a_driver_that_knows_of_nothing() -> None:
    with pytest.raises(ProbeFailed, match="claims 291 MiB of the card's memory, and the driver knows of 20 MiB"):
        offload.agrees(model("lavapipe"), log, VULKAN, held=20 << 20)
