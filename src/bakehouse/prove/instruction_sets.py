"""Which instructions a file may hold: the levels of ggml's CPU plugins, as data.

Feature names are those of Intel's and AMD's manuals, as iced-x86 spells them (`iced_x86.CpuidFeature`). The levels
follow `ggml_add_cpu_backend_variant` in ggml/src/CMakeLists.txt: a plugin's score function asks the CPU for just these
features, so an instruction beyond them crashes on a machine that the plugin claims to run on.
"""

from __future__ import annotations

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

_FEATURES: dict[str, frozenset[str]] = {
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

_HASWELL = "SSE42 AVX F16C FMA AVX2 BMI2"
_VARIANTS = {
    "x64": "",
    "sse42": "SSE42",
    "sandybridge": "SSE42 AVX",
    "ivybridge": "SSE42 AVX F16C",
    "piledriver": "SSE42 AVX F16C FMA",
    "haswell": _HASWELL,
    "alderlake": f"{_HASWELL} AVX_VNNI",
    "skylakex": f"{_HASWELL} AVX512",
    "cannonlake": f"{_HASWELL} AVX512 AVX512_VBMI",
    "cascadelake": f"{_HASWELL} AVX512 AVX512_VNNI",
    "icelake": f"{_HASWELL} AVX512 AVX512_VBMI AVX512_VNNI",
    "cooperlake": f"{_HASWELL} AVX512 AVX512_VNNI AVX512_BF16",
    "zen4": f"{_HASWELL} AVX512 AVX512_VBMI AVX512_VNNI AVX512_BF16",
    "sapphirerapids": f"{_HASWELL} AVX512 AVX512_VBMI AVX512_VNNI AVX512_BF16 AMX",
}

LEVELS: dict[str, frozenset[str]] = {
    name: BASELINE.union(*(_FEATURES[feature] for feature in features.split())) for name, features in _VARIANTS.items()
}
"""Name of a level to the features it may use; `x64` is the baseline."""

GUARDED: dict[str, dict[str, str]] = {
    "libmtmd.so*": {"LZCNT": "miniaudio's FLAC decoder asks CPUID before it uses it (ma_dr_flac__is_lzcnt_supported)"},
}
"""Glob of a file name to features beyond its level that its own code asks the CPU for, and where that was read."""
