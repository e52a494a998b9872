"""What a Debian-like system says of itself: its release, and where its packages come from.

Formats: os-release(5), and both of sources.list(5): one line a source, and stanzas (deb822).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

_ONE_LINE = re.compile(r"^(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$")
_STANZA_NAMES = {"arch": "Architectures", "lang": "Languages", "target": "Targets"}
"""Options whose name differs between the two formats; all others are the same up to case."""
_NAMED = ("types", "uris", "suites", "components", "enabled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The release of this system. Empty where it does not say."""

    id: str
    """`debian`, `ubuntu`."""
    codename: str
    """`bookworm`."""
    major: int | None
    """None for a system that has no number yet (testing, unstable)."""
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AptSource:
    """One place that apt gets packages from."""

    types: tuple[str, ...]
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()
    """Further fields as a stanza writes them, such as Signed-By (perhaps with several lines)."""

    def cut_to(self, suites: tuple[str, ...]) -> AptSource:
        """Keep only binary packages of these suites."""
        return replace(self, types=("deb",), suites=tuple(suite for suite in self.suites if suite in suites))

    def of_suite(self, old: str, new: str) -> AptSource:
        """Return the same place for another release, its component `main` only."""
        return replace(self, suites=tuple(suite.replace(old, new, 1) for suite in self.suites), components=("main",))

    def render(self) -> str:
        fields = [
            ("Types", " ".join(self.types)),
            ("URIs", " ".join(self.uris)),
            ("Suites", " ".join(self.suites)),
            ("Components", " ".join(self.components)),
            *self.options,
        ]
        return "".join(f"{key}: {value}\n" if value[:1] != "\n" else f"{key}:{value}\n" for key, value in fields)


def read_distribution(root: Path) -> Distribution:
    fields: dict[str, str] = {}
    for place in ("etc/os-release", "usr/lib/os-release"):
        path = root / place
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                key, separator, value = line.partition("=")
                if separator and not key.startswith("#"):
                    fields[key.strip()] = " ".join(shlex.split(value)) if value else ""
            break
    number = fields.get("VERSION_ID", "").partition(".")[0]
    return Distribution(
        id=fields.get("ID", ""),
        codename=fields.get("VERSION_CODENAME", ""),
        major=int(number) if number.isdecimal() else None,
        title=fields.get("PRETTY_NAME", fields.get("ID", "")),
    )


def read_sources(root: Path) -> tuple[AptSource, ...]:
    """Read all enabled sources of the system, in apt's order."""
    folder = root / "etc/apt"
    found: list[AptSource] = []
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".list":
            found += parse_lines(text)
        elif path.suffix == ".sources":
            found += parse_stanzas(text)
    return tuple(found)


def parse_lines(text: str) -> list[AptSource]:
    """Parse one-line sources: `deb [option=value] uri suite component...`. What apt would refuse is left out."""
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match:
            kind, options, uri, suite, components = match.groups()
            pairs = (option.partition("=") for option in (options or "").split())
            found.append(
                AptSource(
                    types=(kind,),
                    uris=(uri,),
                    suites=(suite,),
                    components=tuple(components.split()),
                    options=tuple(
                        (_STANZA_NAMES.get(key, key), value.replace(",", " ")) for key, _, value in pairs if value
                    ),
                )
            )
    return found


def parse_stanzas(text: str) -> list[AptSource]:
    """Parse deb822 sources: fields with continuation lines, stanzas apart by an empty line."""
    found = []
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n(?:[ \t]*\n)+", "\n".join(lines).strip("\n")):
        fields = _fields(stanza)
        lower = {key.lower(): value for key, value in fields}
        if lower.get("uris") and lower.get("enabled", "yes").strip().lower() not in ("no", "false", "0"):
            found.append(
                AptSource(
                    types=tuple(lower.get("types", "").split()),
                    uris=tuple(lower["uris"].split()),
                    suites=tuple(lower.get("suites", "").split()),
                    components=tuple(lower.get("components", "").split()),
                    options=tuple((key, value) for key, value in fields if key.lower() not in _NAMED),
                )
            )
    return found


def _fields(stanza: str) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for line in stanza.splitlines():
        if line[:1] in (" ", "\t") and fields:
            key, value = fields[-1]
            fields[-1] = (key, f"{value}\n{line.rstrip()}")
        elif ":" in line:
            key, _, value = line.partition(":")
            fields.append((key.strip(), value.strip()))
    return fields
