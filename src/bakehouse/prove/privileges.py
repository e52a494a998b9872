"""Files that give a process more rights than its user has: setuid, setgid, capabilities."""

from __future__ import annotations

from bakehouse.model.report import Check
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge
from bakehouse.prove.image.at_rest import ImageAtRest

_SETUID, _SETGID = 0o4000, 0o2000


def check_privileges(image: ImageAtRest, _expectation: Expectation) -> Check:
    """No file has setuid, setgid or file capabilities. On folders setgid means inheritance and is fine."""
    problems = []
    for entry in sorted(image.tree, key=lambda one: one.path):
        kinds = [name for name, bit in (("setuid", _SETUID), ("setgid", _SETGID)) if entry.mode & bit]
        if entry.capable:
            kinds.append("file capabilities")
        if kinds and entry.kind == "file":
            problems.append(f"{entry.path} has {' and '.join(kinds)}")
    return judge("privileges", problems, passed="no file has setuid, setgid or capabilities")
