"""An image that llama.cpp's own project publishes: its name, its tag, and what its entrypoint makes of a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.containers import TOOLS
from bakehouse.servers.llama_cpp.lint.upstream_images import UpstreamImage

FLOATS = "The tag moves with every release, and arguments come and go with it."
_LETTERS = frozenset({"-c", "-q", "-b", "-p", "-s", "-r", "-l"})
"""What tools.sh takes in short; the server has some of them too."""

_OTHER_NAMES = {
    **dict.fromkeys(("sycl", "oneapi", "xpu", "arc"), "intel"),
    **dict.fromkeys(("hip", "hipblas", "amd", "amdgpu"), "rocm"),
    **dict.fromkeys(("nvidia", "gpu", "cublas"), "cuda"),
    "vk": "vulkan",
}
"""What people call a backend, and what the project's tags do."""


def check_name(image: Word, upstream: UpstreamImage) -> Iterator[Finding]:
    """Whoever stands on it, and whatever is started."""
    if upstream.moved:
        yield finding(
            image,
            "is no longer updated",
            "The project has published its images under ggml-org since February 2025.",
            _moved_to(image.text, upstream),
            severity=Severity.WARNING,
        )
    if upstream.program is None and "@" not in image.text:
        yield finding(
            image,
            "is no tag of the project",
            "Its tags begin with server, light or full, and then name the backend.",
            "a tag like server-cuda",
            severity=Severity.WARNING,
        )
    elif upstream.backend in _OTHER_NAMES:
        meant = _OTHER_NAMES[upstream.backend]
        yield finding(
            image,
            "is no tag of the project",
            f"Its tags call the backend {meant}.",
            image.text.replace(f"-{upstream.backend}", f"-{meant}", 1),
        )
    elif not upstream.fixed:
        tag = image.text.rpartition(":")[2]
        yield finding(image, "is not pinned", FLOATS, f"{tag}-bNUMBER, or a digest", severity=Severity.NOTE)


def check_entrypoint(image: Word, upstream: UpstreamImage, command: Sequence[Word]) -> Iterator[Finding]:
    """Where the entrypoint is the image's own."""
    if upstream.program == "llama-cli":
        yield finding(
            image,
            "starts llama-cli",
            "A light image has no server.",
            image.text.replace(":light", ":server"),
            severity=Severity.WARNING,
        )
    elif upstream.program == "tools.sh":
        first = command[0] if command else image
        if first.complete and first.text not in TOOLS | _LETTERS:
            what = f"is no tool of {image.text}" if command else "does nothing without a command"
            yield finding(
                first,
                what,
                "The entrypoint of a full image is tools.sh, which takes what to do first: --server, --run, --convert, "
                '--quantize, --bench or --perplexity. Else it ends with "Unknown command".',
                "--server first, then the server's arguments; or a server image",
            )


def _moved_to(image: str, upstream: UpstreamImage) -> str:
    """Builds from before the move are not said to be there under the new name."""
    name = image.replace("ggerganov", "ggml-org")
    return f"{name.partition('-b')[0]}-bNUMBER, of a newer build" if upstream.build else name
