"""Turns exceptions into messages and exit codes."""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from collections.abc import Sequence

from rich.console import Console

import bakehouse
from bakehouse.errors import BakehouseError, ExitCode, InfrastructureError
from bakehouse.system.signals import Terminated


def tell(error: BaseException, console: Console, *, words: Sequence[str]) -> ExitCode:
    """Call it where `error` is handled: a bug's log holds the traceback. `words` are those that were typed."""
    match error:
        case Terminated():
            console.print("terminated", style="bold yellow")
            return ExitCode.TERMINATED
        case KeyboardInterrupt():
            console.print("interrupted", style="bold yellow")
            return ExitCode.INTERRUPTED
        case BakehouseError():
            return _refuse(error, console)
        case _ if trouble := _trouble_of_machine(error):
            return _refuse(trouble, console)
    where = _save_log(words)
    console.print(f"a bug in bakehouse; please report it with this log: {where}", style="bold red", soft_wrap=True)
    return ExitCode.BUG


def _refuse(error: BakehouseError, console: Console) -> ExitCode:
    console.print("error:", style="bold red", end=" ")
    console.print(str(error), markup=False, highlight=False, soft_wrap=True)
    return error.exit_code


_HINTS = {
    errno.ENOSPC: "Make room there, or choose another folder: --root for reports, BAKEHOUSE_CACHE for the cache.",
    errno.EDQUOT: "Your quota there is used up.",
    errno.EROFS: "Choose a folder that can be written: --root for reports, BAKEHOUSE_CACHE for the cache.",
    errno.EACCES: "Make it accessible for this user, or choose another folder (--root, BAKEHOUSE_CACHE).",
    errno.EPERM: "Make it accessible for this user, or choose another folder (--root, BAKEHOUSE_CACHE).",
    errno.EIO: "The disk may be failing: see dmesg.",
    errno.EMFILE: "Too many files are open: raise `ulimit -n`.",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.ENOMEM: "This machine has no memory left.",
    errno.EAGAIN: "This machine allows no more processes: see `ulimit -u`.",
}
"""Errors of the machine, with what to do; any other OSError is ours."""


def _trouble_of_machine(error: BaseException) -> InfrastructureError | None:
    if isinstance(error, MemoryError):
        return InfrastructureError(_HINTS[errno.ENOMEM])
    if isinstance(error, OSError) and error.errno in _HINTS:
        place = f"{error.filename}: " if error.filename else ""
        return InfrastructureError(f"{place}{error.strerror}", hint=_HINTS[error.errno])
    return None


def _save_log(words: Sequence[str]) -> str:
    """Where the log is, or, when even that cannot be written, the log itself."""
    versions = f"bakehouse {bakehouse.__version__}, Python {sys.version}"
    text = f"{versions}\ncommand: {' '.join(words)}\n\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="bakehouse-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        return f"\n{text}"
    return file.name
