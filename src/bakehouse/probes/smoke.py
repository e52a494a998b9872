"""The program starts, is the version that was built, and sees its backend plugins. No model is needed."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence

from bakehouse.engine.container import Finished, last_lines
from bakehouse.probes import ProbeFailed
from bakehouse.servers.device_log import DeviceLog

Ask = Callable[[Sequence[str]], Finished]
"""Runs the image with these arguments to its end."""

_LINKAGE = "error while loading shared libraries"
_ASKED = 5
"""Times. A line that is lost one time in ten is lost five times in a row once in a hundred thousand."""


def prints_version(ask: Ask, words: Sequence[str], version: str, *, look_at: str = "") -> str:
    """`--version`, as `words` have it, ends with 0 and contains `version`. Returns the line.

    `look_at`: what sets the version where it is built.
    """
    output = _answers(ask, words).output
    if version not in output:
        raise ProbeFailed(
            f"--version does not say {version!r}; it says:\n{last_lines(output, 5)}",
            hint=f"The image holds another build than the plan says{f': look at {look_at}' if look_at else ''}.",
        )
    return next(line for line in output.splitlines() if version in line)


def prints_help(ask: Ask, words: Sequence[str]) -> None:
    """`--help` ends with 0 and says something."""
    if not _answers(ask, words).output.strip():
        raise ProbeFailed("--help prints nothing")


def lists_devices(ask: Ask, log: DeviceLog) -> list[str]:
    """The list of devices ends with 0. Returns the accelerators it names, none on a machine without one."""
    return log.devices(_answers(ask, log.list_arguments).output)


def has_plugins(listed: Sequence[str], expected: Sequence[str], *, named: str) -> None:
    """Prove that the program's folder holds every backend plugin of the cell. `named`: glob of a plugin's file name."""
    missing = sorted(set(expected) - set(listed))
    if missing:
        present = sorted(fnmatch.filter(listed, named))
        raise ProbeFailed(
            f"the image lacks {', '.join(missing)}",
            hint=f"It has {', '.join(present) or 'no plugin at all'}. The server would fall back without a word.",
        )


def loads_cpu_plugin(ask: Ask, log: DeviceLog, expected: Sequence[str]) -> str:
    """Prove that the server finds a CPU variant for this machine. Returns the plugin's file name.

    Only a verbose server says what it loads, and about one time in ten the last line that it logged before it ended is
    lost (it was seen). So a silent server is asked again.
    """
    output, plugin = "", None
    for _ in range(_ASKED):
        output = _answers(ask, log.verbose_list_arguments).output
        plugin = log.plugins(output).get("CPU")
        if plugin:
            break
    else:
        raise ProbeFailed(
            f"the server loads no CPU backend on this machine; it says:\n{last_lines(output)}",
            hint="Either no variant fits this CPU, or the plugins are not beside the program.",
        )
    if expected and plugin not in expected:
        raise ProbeFailed(f"the server loaded {plugin}, which the plan does not name: {', '.join(expected)}")
    return plugin


def _answers(ask: Ask, args: Sequence[str]) -> Finished:
    done = ask(args)
    said = last_lines(done.output) or "(it said nothing)"
    if done.oom_killed:
        raise ProbeFailed(f"{' '.join(args)} ran into the memory limit:\n{said}")
    if done.exit_code == -1:
        raise ProbeFailed(f"{' '.join(args)} did not end by itself; it says:\n{said}")
    if done.exit_code != 0:
        hint = "A library is missing in the image or not on its rpath." if _LINKAGE in done.output else None
        raise ProbeFailed(f"{' '.join(args)} ended with status {done.exit_code}:\n{said}", hint=hint)
    return done
