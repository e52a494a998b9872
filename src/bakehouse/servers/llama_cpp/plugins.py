"""ggml's backends: files that it loads from the program's folder.

The levels follow `ggml_add_cpu_backend_variant` in ggml/src/CMakeLists.txt: a plugin's score function asks the CPU for
just these features, so an instruction beyond them crashes on a machine that the plugin claims to run on.
"""

from __future__ import annotations

from bakehouse.servers.plugins import Plugins

_HASWELL = "SSE42 AVX F16C FMA AVX2 BMI2"

PLUGINS = Plugins(
    loader="ggml",
    named="libggml-*",
    variant="libggml-cpu-{name}.so",
    init_symbol="ggml_backend_init",
    score_symbol="ggml_backend_score",
    levels={
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
    },
    guarded={
        "libmtmd.so*": {
            "LZCNT": "miniaudio's FLAC decoder asks CPUID before it uses it (ma_dr_flac__is_lzcnt_supported)"
        },
    },
)
