"""NVIDIA's cards: native code (SASS) for each arch, PTX only where it is promised."""

from __future__ import annotations

from collections.abc import Sequence


class Cuda:
    toolkit_name = "CUDA"
    needs_toolkit = True
    needs_arch = True
    has_ptx = True

    def arch_list(self, codes: Sequence[str], ptx: str | None) -> str:
        """For CMAKE_CUDA_ARCHITECTURES: `-real` is native code alone, `-virtual` is PTX alone."""
        native = [f"{code.removeprefix('sm_')}-real" for code in codes]
        return ";".join([*native, f"{ptx.removeprefix('sm_')}-virtual"] if ptx else native)

    def driver_libraries(self) -> frozenset[str]:
        """The container toolkit puts both beside each other; the image must hold neither."""
        return frozenset({"libcuda.so.1", "libnvidia-ml.so.1"})
