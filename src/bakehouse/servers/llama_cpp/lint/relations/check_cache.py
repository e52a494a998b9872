"""The folder that the server writes downloads to: LLAMA_CACHE, HF_HOME, XDG_CACHE_HOME, else .cache in its home."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.command import Command
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import View
from bakehouse.servers.llama_cpp.lint.relations.check_https import asks_to_fetch

_PLACES = ("LLAMA_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME")
_HOMELESS = frozenset({"nobody", "daemon", "bin", "www-data", "65534"})
"""Users of every distribution whose home is nowhere, or not theirs."""
_MAKERS = frozenset({"useradd", "adduser"})
_WITH_HOME = frozenset({"-m", "--create-home", "-mr", "-rm", "-ms", "-mU", "-Um", "-rmU"})
_WITHOUT_HOME = frozenset({"-M", "-H", "-DH", "-HD", "-SDH", "-DHS", "-SH", "-SHD", "--no-create-home", "--system"})


def check_cache(view: View) -> Iterator[Finding]:
    """A user without a home cannot keep what the server fetches, and the server stops."""
    asks = asks_to_fetch(view)
    user = next((part.user for part in reversed(view.image.chain) if part.user), None)
    if asks is None or user is None or not user.complete or any(name in view.image.environment for name in _PLACES):
        return
    name = user.text.partition(":")[0]
    if _has_home(name, view) is False:
        yield finding(
            user,
            "has no folder for what the server fetches",
            f"{asks.text} writes to .cache in the home of this user, which is not there or belongs to another: the "
            "download fails, and the server stops.",
            "ENV LLAMA_CACHE=/some/folder that belongs to the user (a volume keeps it), or useradd -m",
            severity=Severity.WARNING,
        )


def _has_home(user: str, view: View) -> bool | None:
    """None where nobody can tell."""
    commands = list(view.image.commands)
    if any(".cache" in word.text or word.text.startswith("/home/") for one in commands for word in one.words):
        return None
    made = [one for one in commands if one.program in _MAKERS and _makes(one, user)]
    if made:
        return _gives_home(made[-1], view.image.base.manager)
    if user in _HOMELESS:
        return False
    manager = view.image.base.manager
    ubuntu = view.image.base.distribution_name == "ubuntu"  # has a user of its own, 1000, since 23.04
    is_number = user.isdigit() and user != "0"
    known = view.image.base.image is not None and manager is not None
    return False if is_number and known and not (ubuntu and user == "1000") else None


def _makes(command: Command, user: str) -> bool:
    return any(word.text in (user, f"--uid={user}") for word in command.words[1:])


def _gives_home(command: Command, manager: str | None) -> bool | None:
    """Debian's useradd makes no home, that of Fedora does; adduser does on both, unless told otherwise."""
    flags = {word.text for word in command.words[1:] if word.text.startswith("-")}
    if flags & _WITH_HOME:
        return True
    if flags & {"-d", "--home", "--home-dir", "-h"} or any(flag.startswith(("--home", "--home-dir")) for flag in flags):
        return None
    if flags & _WITHOUT_HOME or (command.program == "useradd" and flags & {"-r"}):
        return False
    return (manager != "apt") if command.program == "useradd" else True
