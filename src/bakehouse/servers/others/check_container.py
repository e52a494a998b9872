"""What holds of any container, whatever it starts: its groups, its user, words that nothing takes apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Word
from bakehouse.servers.others.known import find_image

_PROGRAM = re.compile(r"(?:[\w.-]*/)*[A-Za-z][\w.+-]*")
_STARTS = re.compile(
    r"(?:\S*/)?(?:python[0-9.]*|vllm|llama-server|uvicorn|tritonserver|text-generation-launcher|bash|sh)$"
)
_OF_UBUNTU = frozenset(
    {
        "root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail", "news", "uucp", "man", "proxy", "kmem",
        "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio", "dip", "www-data", "backup", "operator",
        "list", "irc", "src", "shadow", "utmp", "video", "sasl", "plugdev", "staff", "games", "users", "nogroup",
    }
)  # fmt: skip
"""Groups of base-passwd, which images on Debian and Ubuntu have; `render` is made by udev, which they lack."""


def check_container(run: ContainerRun, *, is_upstream: bool) -> Iterator[Finding]:
    """`is_upstream`: whether the image is one that a vendor publishes, so that it is known what it has."""
    yield from _check_words(run)
    yield from _check_shell(run)
    yield from _check_mounts(run)
    known = is_upstream or (run.image is not None and run.image.complete and find_image(run.image.text) is not None)
    if known:
        yield from _check_groups(run)
        yield from _check_nonroot(run)


def _check_words(run: ContainerRun) -> Iterator[Finding]:
    """A whole command line as the first item of a list."""
    for words, severity in ((run.entrypoint, Severity.ERROR), (run.command, Severity.WARNING)):
        first = words[0] if words else None
        parts = first.text.split() if first else []
        if words is run.command and run.entrypoint:
            return
        if first is None or len(parts) < 2 or not _PROGRAM.fullmatch(parts[0]):  # noqa: PLR2004 - a program and a word
            continue
        if words is run.entrypoint or _STARTS.fullmatch(parts[0]):
            yield finding(
                first,
                "is taken for the name of one program",
                'Nothing takes the words of a list apart: the container ends with "no such file or directory".',
                "[{}]".format(", ".join(f'"{one}"' for one in parts)),
                subject=_short(first.text),
                severity=severity,
            )


def _check_mounts(run: ContainerRun) -> Iterator[Finding]:
    for mount in run.mounts:
        if mount.target and not mount.target.startswith(("/", "$", "{")) and not re.match(r"[A-Za-z]:?$", mount.target):
            yield finding(
                mount.word,
                "is mounted at no absolute path",
                f'The engine refuses it: "invalid mount path: {mount.target}". No shell reads ~ or a dot there.',
                "a path that begins with /",
            )


_TCP = "/dev/tcp/"


def _check_shell(run: ContainerRun) -> Iterator[Finding]:
    """/dev/tcp is a word of bash, and a health check is run by sh, which is dash in most images."""
    word = next((one for one in run.health if _TCP in one.text), None)
    if word is not None and not any("bash" in one.text for one in run.health):
        yield finding(
            word,
            "is for bash, and sh runs it",
            f"{_TCP} is no file: dash, which is sh in images on Debian and Ubuntu, does not know it: the check fails.",
            f'["CMD", "bash", "-c", "exec 3<>{_TCP}127.0.0.1/PORT"], where the image has bash',
            subject=_short(word.text),
            severity=Severity.WARNING,
        )


_LONG = 60


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def _check_groups(run: ContainerRun) -> Iterator[Finding]:
    for word in run.groups:
        if word.complete and word.text and not word.text.isdigit() and word.text not in {*_OF_UBUNTU, "keep-groups"}:
            yield finding(
                word,
                "is no group of the image",
                f'Names are looked up in the image, which has none like it: "Unable to find group {word.text}".',
                f'the number of the host: "$(getent group {word.text} | cut -d: -f3)"',
                link="https://docs.docker.com/reference/cli/docker/container/run/#group-add",
            )


def _check_nonroot(run: ContainerRun) -> Iterator[Finding]:
    if run.must_be_nonroot is not None and run.image is not None:
        yield finding(
            run.must_be_nonroot,
            f"refuses {run.image.text}, which runs as root",
            'The cluster does not start it: "container has runAsNonRoot and image will run as root".',
            "runAsUser: 65532 beside it, with a cache folder that this user may write",
            subject="runAsNonRoot: true",
        )


def option_and_value(word: Word) -> tuple[str, str] | None:
    """`--dtype auto` as one word of a list, which no server takes apart."""
    found = re.fullmatch(r"(?P<name>--?[A-Za-z][\w-]*)\s+(?P<value>\S.*)", word.text, re.DOTALL)
    return (found["name"], found["value"]) if found else None
