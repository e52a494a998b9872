"""Users by name that nothing creates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View

_OF_DISTRIBUTIONS = frozenset(
    {
        "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
        "backup", "list", "irc", "gnats", "nobody", "ubuntu", "operator", "ftp", "guest", "adm", "shutdown", "halt",
        "_apt", "systemd-network", "systemd-resolve", "systemd-timesync", "nonroot",
    }
)  # fmt: skip
_CREATES = re.compile(r"\b(?:useradd|adduser|newusers|usermod|groupmod)\b|/etc/passwd|sysusers")


def check_users(view: View) -> Iterator[Finding]:
    """`USER server` without a useradd: the engine cannot start the container."""
    image = view.image
    user = image.contents.user
    name = user.text.partition(":")[0] if user else ""
    if user is None or not user.complete or not name or name.isdigit() or "$" in name or name in _OF_DISTRIBUTIONS:
        return
    if image.base.image is None or not image.base.complete or image.unseen or image.fills(_CREATES):
        return
    yield finding(
        user,
        "is no user of the image",
        f'Nothing creates it: the engine says "unable to find user {name}", and starts nothing.',
        f"RUN useradd --create-home {name} before it, or a number: USER 65532:65532",
    )
