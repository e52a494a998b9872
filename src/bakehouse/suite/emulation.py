"""Whether this machine can run an image that is for another platform.

It can where the kernel hands its programs to an emulator (binfmt_misc). A container has another root, so the emulator
must have been opened when it was registered: flag F. `docker run --privileged tonistiigi/binfmt` and Debian's
qemu-user-static register it so. Source: Documentation/admin-guide/binfmt-misc.rst of the kernel.
"""

from __future__ import annotations

from pathlib import Path

REGISTERED = Path("proc/sys/fs/binfmt_misc")
EMULATORS = {"linux/amd64": "qemu-x86_64", "linux/arm64": "qemu-aarch64"}
"""Names under which distributions register them."""


def why_not(platform: str, *, own: str, root: Path = Path("/")) -> str | None:
    """Why no program for `platform` runs on a machine of the platform `own`; None if one does."""
    if platform == own:
        return None
    emulator = EMULATORS.get(platform, platform)
    try:
        entry = (root / REGISTERED / emulator).read_text(encoding="utf-8")
    except OSError:
        return f"the image is for {platform}, and this machine has no emulator registered for it ({emulator})"
    lines = dict(line.partition(" ")[::2] for line in entry.splitlines())
    if "enabled" not in lines:
        return f"the image is for {platform}, and this machine's emulator for it is disabled ({emulator})"
    if "F" not in lines.get("flags:", ""):
        return f"the image is for {platform}, and this machine's emulator for it was registered without the flag F"
    return None
