"""Whether code is compiled at the start of a server, which must not be where the image promises native code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bakehouse.probes import ProbeFailed

OFF = {"CUDA_DISABLE_PTX_JIT": "1", "CUDA_CACHE_DISABLE": "1"}
"""https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html: no PTX is compiled, and
nothing that was compiled before is taken."""
SHADERS = "/var/cache/shaders"
"""A folder in the container."""
CACHES = {
    "MESA_SHADER_CACHE_DIR": SHADERS,
    "__GL_SHADER_DISK_CACHE_PATH": SHADERS,
    "SYCL_CACHE_PERSISTENT": "1",
    "SYCL_CACHE_DIR": SHADERS,
    "NEO_CACHE_PERSISTENT": "1",
    "NEO_CACHE_DIR": SHADERS,
}
"""Where drivers keep what they have compiled: Mesa's, NVIDIA's, and Intel's two layers."""
_FORCES = "CUDA_FORCE_PTX_JIT"
_NEEDED_JIT = re.compile(
    r"^.*(?:PTX JIT compilation was disabled|no kernel image is available for execution|"
    r"provided PTX was compiled with an unsupported toolchain|device kernel image is invalid).*$",
    re.MULTILINE,
)


def forces_none(environment: Sequence[str]) -> None:
    """The image does not ask for PTX to be compiled at each start."""
    if any(line.partition("=")[0] == _FORCES and line.partition("=")[2] not in ("", "0") for line in environment):
        raise ProbeFailed(
            f"the image sets {_FORCES}: every start compiles PTX, and the native code is never used",
            hint="Take it out of the recipe's environment.",
        )


def needed_jit(
    error: ProbeFailed, log: str, *, device: str, archs: Sequence[str], environment: Sequence[str] = ()
) -> ProbeFailed:
    """Say what a server lacked that did not serve without PTX; other errors stay what they are.

    `environment`: lines `NAME=VALUE` of the image. One that forces PTX lacks no code, it is not let use it.
    """
    said = _NEEDED_JIT.findall(log)
    if not said:
        return error
    try:
        forces_none(environment)
    except ProbeFailed as forced:
        return ProbeFailed(f"{forced.message}: {said[-1].strip()}", hint=forced.hint)
    holds = f"The image holds native code for {', '.join(archs)}. " if archs else ""
    return ProbeFailed(
        f"it has no native code for {device}: {said[-1].strip()}",
        hint=f"{holds}Ask which image the card wants: nox -s plan -- --gpu NAME. With PTX it would start slowly, "
        "and run only where the driver is as new as the toolkit.",
    )


def starts(first: float, second: float) -> str:
    """Say what the driver's compiling costs. It is by design: SPIR-V is made for no card in particular."""
    return f"ready after {first:.1f} s, and after {second:.1f} s with what the driver had compiled before"
