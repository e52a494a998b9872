"""Which instructions a file may hold, as data.

Feature names are those of Intel's and AMD's manuals, as iced-x86 spells them (`iced_x86.CpuidFeature`). Which sets of
them a plugin for some processors has is its family's to say (servers/plugins.py).
"""

from __future__ import annotations

from bakehouse.servers.plugins import Plugins

BASELINE = frozenset(
    {
        *("INTEL8086", "INTEL8086_ONLY", "INTEL186", "INTEL286", "INTEL386", "INTEL486", "X64"),
        *("FPU", "FPU287", "FPU387", "MMX", "SSE", "SSE2", "CMOV", "CX8", "FXSR", "CLFSH", "TSC", "SYSCALL"),
        *("PAUSE", "MULTIBYTENOP", "CET_IBT", "CET_SS", "CPUID", "XSAVE"),
    }
)
"""x86-64 as of 2003, and what older CPUs take for a no-op (PAUSE, CET). XSAVE is for XGETBV, which code that asks for
CPU features needs and guards."""

HARMLESS = frozenset({"TZCNT"})
"""Mnemonics that compilers emit for any CPU: older ones run TZCNT as BSF, which gives the same for values but 0."""

FEATURES: dict[str, frozenset[str]] = {
    "SSE42": frozenset({"SSE3", "SSSE3", "SSE4_1", "SSE4_2", "POPCNT"}),  # POPCNT came with SSE4.2
    "AVX": frozenset({"AVX"}),
    "F16C": frozenset({"F16C"}),
    "FMA": frozenset({"FMA"}),
    "AVX2": frozenset({"AVX2"}),
    "BMI2": frozenset({"BMI2"}),
    "AVX_VNNI": frozenset({"AVX_VNNI"}),
    "AVX512": frozenset({"AVX512F", "AVX512CD", "AVX512VL", "AVX512DQ", "AVX512BW"}),
    "AVX512_VBMI": frozenset({"AVX512_VBMI"}),
    "AVX512_VNNI": frozenset({"AVX512_VNNI"}),
    "AVX512_BF16": frozenset({"AVX512_BF16"}),
    "AMX": frozenset({"AMX_TILE", "AMX_INT8"}),
}

LOWEST = "x64"
"""Name of the level that is the baseline."""


def levels(plugins: Plugins | None) -> dict[str, frozenset[str]]:
    """Name of a level to the features it may use: the baseline, and one for each variant of a family's plugins."""
    named = {LOWEST: ""} | dict(plugins.levels if plugins else {})
    return {
        name: BASELINE.union(*(FEATURES[feature] for feature in features.split())) for name, features in named.items()
    }
