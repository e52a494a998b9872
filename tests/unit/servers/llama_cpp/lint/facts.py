"""Options of a small source, and short ways to ask the checks."""

from __future__ import annotations

from collections.abc import Iterable

from bakehouse.errors import Where
from bakehouse.lint.finding import Finding
from bakehouse.lint.options import Argument, CMake, CMakeOption, Deprecated, SourceOptions
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.known_options import Fact, Knowledge

WHERE = Where(file="file", line=1)


def switch(default: str = "OFF") -> CMakeOption:
    return CMakeOption(kind="BOOL", default=default, file="CMakeLists.txt")


OPTIONS = SourceOptions(
    revision="0" * 40,
    cmake=CMake(
        options={
            "GGML_CUDA": switch(),
            "GGML_CUDA_GRAPHS": switch("ON"),
            "GGML_CUDA_FORCE_MMQ": switch(),
            "GGML_HIP": switch(),
            "GGML_NATIVE": switch("ON"),
            "GGML_BACKEND_DL": switch(),
            "GGML_CPU_ALL_VARIANTS": switch(),
            "GGML_COPIES": CMakeOption(kind="STRING", default="4", file="CMakeLists.txt"),
            "GGML_MODE": CMakeOption(kind="STRING", default="size", choices=("none", "size"), file="CMakeLists.txt"),
        },
        deprecated={
            "LLAMA_CUBLAS": Deprecated(fatal=True, instead="GGML_CUDA"),
            "LLAMA_CUDA": Deprecated(instead="GGML_CUDA"),
        },
        variables=("GPU_TARGETS",),
        packages=("CUDAToolkit", "OpenSSL"),
        switches=("GGML_CUDA", "GGML_HIP"),
    ),
    arguments=(
        Argument(names=("-c", "--ctx-size"), takes="number", hint="N", environment="LLAMA_ARG_CTX_SIZE"),
        Argument(names=("--host",), takes="text", hint="HOST", environment="LLAMA_ARG_HOST"),
        Argument(names=("--port",), takes="number", hint="PORT", environment="LLAMA_ARG_PORT"),
        Argument(
            names=("-fa", "--flash-attn"),
            takes="text",
            hint="[on|off]",
            choices=("on", "off"),
            environment="LLAMA_ARG_FA",
        ),
        Argument(names=("--warmup",), negated=("--no-warmup",), environment="LLAMA_ARG_WARMUP"),
        Argument(names=("--metrics",), environment="LLAMA_ARG_METRICS"),
        Argument(names=("--model", "-m"), takes="text"),
        Argument(names=("--lora-scaled",), takes="two"),
        Argument(names=("--draft",), takes="number", removed="use --spec-draft-n-max"),
    ),
    environment=("GGML_CUDA_P2P", "GGML_VK_VISIBLE_DEVICES"),
)
KNOWLEDGE = Knowledge(
    cmake=(
        Fact(names=("GGML_CUDA_F16",), problem="gone", since="August 2025", why="Not needed.", instead="leave it out"),
        Fact(names=("GGML_CUDA_GRAPHS",), problem="gone", why="A fact about another revision."),
        Fact(names=("GGML_NATIVE",), problem="harmful", values=("on",), why="Illegal instruction."),
    ),
    arguments=(
        Fact(names=("--mlock",), problem="gone", why="Exits.", instead="--load-mode mlock"),
        Fact(names=("--no-warmup",), problem="harmful", why="Slow."),
    ),
    environment=(
        Fact(names=("GGML_FORCE_SYNC",), problem="never existed", why="Nothing reads it."),
        Fact(names=("CUDA_LAUNCH_BLOCKING",), problem="harmful", values=("on",), why="Serialises."),
        Fact(names=("CUDA_VISIBLE_DEVICES",), problem="harmful", where="image", why="The host's choice."),
        Fact(names=("LD_LIBRARY_PATH",), problem="breaks", where="image", values=("*/stubs*",), why="Stub."),
    ),
)


def setting(text: str, *, line: int = 1) -> Setting:
    name, _, value = text.partition("=")
    return Setting(name=name, value=value, where=Where(file="file", line=line))


def words(text: str) -> list[Word]:
    return [Word(text=word, where=WHERE) for word in text.split()]


def told(findings: Iterable[Finding]) -> list[str]:
    """`severity subject: what`"""
    return [f"{one.severity} {one.subject}: {one.what}" for one in findings]
