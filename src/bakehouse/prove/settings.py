"""What the image's configuration promises: user, labels, port, health check, entrypoint."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.layer import Entry

_NUMERIC = re.compile(r"(?P<uid>\d+):(?P<gid>\d+)")
_MACHINES = {"linux/amd64": "EM_X86_64", "linux/arm64": "EM_AARCH64"}
_WRITE, _EXECUTE = 2, 1
_SHELLS = {"sh", "bash", "dash", "ash"}


def check_user(image: ImageAtRest, expectation: Expectation) -> Check:
    """The promised user, in numbers and not root, who cannot change the product."""
    problems = []
    if image.user != expectation.user:
        problems.append(f"the user is {image.user or 'root (none is set)'}, expected {expectation.user}")
    numbers = _NUMERIC.fullmatch(image.user)
    if image.user and not numbers:
        problems.append(f"the user {image.user} is not uid:gid in numbers: a cluster cannot see that it is not root")
    if numbers and int(numbers["uid"]) == 0:
        problems.append("the user is root")
    uid, gid = _ids(image.user) or _ids(expectation.user) or (0, 0)
    if uid:
        problems += [f"{path} can be changed by {uid}:{gid}" for path in _changeable(image, expectation, uid, gid)]
    return judge("user", problems, passed=f"{image.user}, and the product is read-only for it")


def check_labels(image: ImageAtRest, expectation: Expectation) -> Check:
    """Each promised label with its value."""
    problems = []
    for name, value in sorted(expectation.labels.items()):
        have = image.labels.get(name)
        if have is None:
            problems.append(f"label {name} is missing, expected {value!r}")
        elif have != value:
            problems.append(f"label {name} is {have!r}, expected {value!r}")
    return judge("labels", problems, passed=f"{len(expectation.labels)} labels as promised")


def check_port(image: ImageAtRest, expectation: Expectation) -> Check:
    """The promised port is exposed, and no other."""
    wanted = f"{expectation.port}/tcp"
    problems = [] if wanted in image.ports else [f"port {wanted} is not exposed"]
    problems += [f"port {port} is exposed and was not promised" for port in image.ports if port != wanted]
    return judge("port", problems, passed=f"{wanted} is exposed")


def check_healthcheck(image: ImageAtRest, expectation: Expectation) -> Check:
    """There is one, it needs no shell, and its program can be run by the image's user."""
    name = "healthcheck"
    kind, *arguments = image.healthcheck or ("",)
    if not kind or kind == "NONE":
        return judge(name, ["there is no HEALTHCHECK"], passed="")
    if kind != "CMD" or not arguments:
        return judge(name, ['the HEALTHCHECK runs in a shell; write it as CMD ["program", "argument"]'], passed="")
    problems = list(_unusable(image, expectation, arguments[0], what="the health check's program"))
    if posixpath.basename(arguments[0]) in _SHELLS:
        problems.append(f"the HEALTHCHECK starts the shell {arguments[0]}; start the program itself")
    return judge(name, problems, passed=" ".join(arguments))


def check_entrypoint(image: ImageAtRest, expectation: Expectation) -> Check:
    """The promised entrypoint, which can be run by the image's user on the image's platform."""
    problems = []
    if image.entrypoint != expectation.entrypoint:
        problems.append(f"the entrypoint is {list(image.entrypoint)}, expected {list(expectation.entrypoint)}")
    if image.entrypoint:
        problems += _unusable(image, expectation, image.entrypoint[0], what="the entrypoint")
    return judge("entrypoint", problems, passed=" ".join(image.entrypoint))


def _unusable(image: ImageAtRest, expectation: Expectation, program: str, *, what: str) -> Iterator[str]:
    entry = image.find_program(program)
    if entry is None:
        yield f"{what} {program} is not in the image"
        return
    uid, gid = _ids(image.user) or _ids(expectation.user) or (0, 0)
    if not _may(entry, uid, gid, _EXECUTE):
        yield f"{what} {program} cannot be executed by {uid}:{gid} (mode {entry.mode:04o})"
    elf = product.whole_elf(image, entry.path)
    expected = _MACHINES.get(image.platform)
    if elf and expected and elf.machine != expected:
        yield f"{what} {program} is for {elf.machine}, the image for {image.platform}"


def _changeable(image: ImageAtRest, expectation: Expectation, uid: int, gid: int) -> Iterator[str]:
    """Whoever owns a file can make it writable; whoever can write to a folder can replace what lies in it."""
    found = {entry.path: entry for entry in image.tree.below(expectation.plugin_folder) if entry.kind != "symlink"}
    found |= {entry.path: entry for entry in product.files(image, expectation)}
    for path in [*found]:
        folder = image.tree.follow(posixpath.dirname(path))
        if folder:
            found[folder.path] = folder
    for path, entry in sorted(found.items()):
        if entry.uid == uid or _may(entry, uid, gid, _WRITE):
            yield path


def _may(entry: Entry, uid: int, gid: int, permission: int) -> bool:
    """Permission of a process without further groups, as POSIX counts it: owner, else group, else others."""
    if uid == 0:
        return permission == _WRITE or bool(entry.mode & 0o111)
    shift = 6 if entry.uid == uid else 3 if entry.gid == gid else 0
    return bool(entry.mode >> shift & permission)


def _ids(user: str) -> tuple[int, int] | None:
    numbers = _NUMERIC.fullmatch(user)
    return (int(numbers["uid"]), int(numbers["gid"])) if numbers else None
