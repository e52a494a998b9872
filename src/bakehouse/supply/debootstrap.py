"""A Debian root file system made from a Debian mirror: a base that needs no image registry.

It is made to be like `debian:SUITE-slim`: minbase without manuals, locales and documents, apt pointed at the public
mirror with updates and security, no package lists, no logs, nothing of this machine. The same packages give the same
bytes, on any machine.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import filelock

from bakehouse.engine.embedded import apt
from bakehouse.engine.embedded.debian import read_sources
from bakehouse.errors import InfrastructureError, SupplyError
from bakehouse.model.places import DebootstrapPlace
from bakehouse.supply.checksum import remembered_sha256_of
from bakehouse.system import atomic_write, process

RECIPE = 1
"""Version of what this module makes; a new one makes every root file system anew."""
EPOCH = 1735689600
"""SOURCE_DATE_EPOCH, 2025-01-01: no file in the image is younger than this."""
TIMEOUT = 1800.0

PUBLIC_MIRROR = "http://deb.debian.org/debian"
PUBLIC_SECURITY = "http://deb.debian.org/debian-security"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ROLLING = frozenset({"sid", "unstable", "experimental"})
"""Suites that have no updates and no security archive of their own."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}
"""Machine names to Debian's, for the platforms we know."""

DPKG_EXCLUDES = """\
# As in debian:*-slim: no documents but licences, no manuals, no translations.
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
path-exclude /usr/share/man/*
"""
NO_LANGUAGES = 'Acquire::Languages "none";\n'
ANY_AGE = 'Acquire::Check-Valid-Until "false";\n'
"""For a frozen archive: its signature still counts, the date in its Release file does not."""

MACHINE_FILES = (
    "etc/resolv.conf",
    "etc/hostname",
    "etc/apt/sources.list",
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/statoverride-old",
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/templates.dat-old",
    "var/log/bootstrap.log",
)
"""What mmdebstrap leaves of this machine or of the making."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RootFilesystem:
    """A finished one in the cache."""

    folder: Path
    """Holds `rootfs.tar` and `rootfs.packages.json` (name to version)."""
    sha256: str
    """Of `rootfs.tar`."""
    packages: int
    made: bool
    """Whether this call made it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """The machine it is made on."""

    cache: Path
    environ: Mapping[str, str]
    machine: str
    """As `uname -m` says it."""
    say: Callable[[str], None]
    check: Callable[[], None]
    """Raises when the run was cut off."""
    offline: bool = False
    root: Path = Path("/")
    """Where this machine's apt sources are read."""


def platform_of(machine: str) -> str:
    """`linux/amd64` for `x86_64`. Raises SupplyError for a machine we know no Debian name for."""
    if machine not in ARCHITECTURES:
        raise SupplyError(f"no Debian root file system can be made on a machine of the kind {machine!r}")
    return f"linux/{ARCHITECTURES[machine]}"


def make_root_filesystem(options: DebootstrapPlace.Options, *, workshop: Workshop) -> RootFilesystem:
    """Make it, or find it in the cache. Raises InfrastructureError (SupplyError when it is offline and not there)."""
    platform = platform_of(workshop.machine)
    sources = tuple(_sources(options, root=workshop.root))
    folder = workshop.cache / "bases" / _key(options, platform)
    archive = folder / "rootfs.tar"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_suffix(".lock")):
        made = not archive.is_file()
        if made:
            if workshop.offline:
                raise SupplyError(
                    f"no root file system of {options.suite} is in the cache, and BAKEHOUSE_OFFLINE is set"
                )
            workshop.say(f"Making a root file system of Debian {options.suite} with mmdebstrap")
            _make(archive, options, sources, workshop=workshop)
    packages = json.loads((folder / "rootfs.packages.json").read_text(encoding="utf-8"))
    sha256 = remembered_sha256_of(archive, cache=workshop.cache)
    return RootFilesystem(folder=folder, sha256=sha256, packages=len(packages), made=made)


def _key(options: DebootstrapPlace.Options, platform: str) -> str:
    """Depends on what goes in, and not on which mirror of the same archive this machine happens to use."""
    what = [RECIPE, EPOCH, options.suite, sorted(options.include), options.mirror, platform]
    what += ["frozen"] if options.frozen else []
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]


def _sources(options: DebootstrapPlace.Options, *, root: Path) -> list[str]:
    """Lines of sources.list for the making: the place's mirror, else this machine's, else the public one."""
    main, security = options.mirror, None
    if main is None:
        here = [uri.rstrip("/") for source in read_sources(root) for uri in source.uris if uri.startswith("http")]
        main = next((uri for uri in here if uri.endswith("/debian")), PUBLIC_MIRROR)
        security = next((uri for uri in here if uri.endswith("/debian-security")), PUBLIC_SECURITY)
    elif main.rstrip("/") == PUBLIC_MIRROR:
        security = PUBLIC_SECURITY
    return _lines(options.suite, main, security)


def _lines(suite: str, main: str, security: str | None) -> list[str]:
    lines = [f"deb {main} {suite} main"]
    if suite not in ROLLING:
        lines.append(f"deb {main} {suite}-updates main")
        if security:
            lines.append(f"deb {security} {suite}-security main")
    return lines


def _image_sources(suite: str) -> str:
    """What builds inside the image use: the public mirror, as in the official images."""
    suites = {PUBLIC_MIRROR: suite} if suite in ROLLING else {
        PUBLIC_MIRROR: f"{suite} {suite}-updates", PUBLIC_SECURITY: f"{suite}-security",
    }  # fmt: skip
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {names}\nComponents: main\nSigned-By: {KEYRING}\n"
        for uri, names in suites.items()
    )


def _make(archive: Path, options: DebootstrapPlace.Options, sources: tuple[str, ...], *, workshop: Workshop) -> None:
    _ensure_mmdebstrap(workshop)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".making.") as scratch:
        draft = Path(scratch) / "rootfs.tar"
        arguments = _arguments(options, sources, files=_image_files(Path(scratch), options), to=draft)
        environ = dict(workshop.environ) | {"SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        done = process.stream(arguments, env=environ, on_line=lambda _: workshop.check(), timeout=TIMEOUT)
        if done.code != 0:
            raise _failure(done, options)
        packages = installed_packages(draft)
        atomic_write.write(archive.with_name("rootfs.packages.json"), json.dumps(packages, indent=1, sort_keys=True))
        draft.replace(archive)


def _ensure_mmdebstrap(workshop: Workshop) -> None:
    machine = apt.AptMachine.this(cache=workshop.cache, say=workshop.say, environ=workshop.environ)
    apt.ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=machine)


def _image_files(folder: Path, options: DebootstrapPlace.Options) -> dict[str, Path]:
    """Our own files in the image: path in the image to a copy on this machine."""
    texts = {
        "etc/apt/sources.list.d/debian.sources": _image_sources(options.suite),
        "etc/apt/apt.conf.d/no-languages": NO_LANGUAGES,
        "etc/dpkg/dpkg.cfg.d/slim": DPKG_EXCLUDES,
    }
    if options.frozen:
        texts["etc/apt/apt.conf.d/frozen"] = ANY_AGE
    files = {}
    for place, text in texts.items():
        files[place] = folder / Path(place).name
        files[place].write_text(text, encoding="utf-8")
        files[place].chmod(0o644)
    return files


def _arguments(
    options: DebootstrapPlace.Options, sources: tuple[str, ...], *, files: Mapping[str, Path], to: Path
) -> list[str]:
    excludes = [line for line in DPKG_EXCLUDES.splitlines() if not line.startswith("#")]
    removed = " ".join(f'"$1/{path}"' for path in MACHINE_FILES)
    uploads = [f"upload {_quoted(source)} /{place}" for place, source in files.items()]
    hooks = [f"rm -f {removed}", *uploads]
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        "--skip=output/dev",
        *(f"--include={package}" for package in sorted(options.include)),
        *(f"--dpkgopt={line.replace(' ', '=', 1)}" for line in excludes),
        *([f"--aptopt={ANY_AGE.strip()}"] if options.frozen else []),
        *(f"--customize-hook={hook}" for hook in hooks),
        options.suite,
        str(to),
        *sources,
    ]


def _quoted(path: Path) -> str:
    """Special hooks split their arguments like a shell."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def _failure(done: process.Completed, options: DebootstrapPlace.Options) -> InfrastructureError:
    errors = [line for line in done.stderr.splitlines() if line.startswith(("E:", "Err:"))]
    why = "; ".join(errors[:4]) or process.last_lines(done.stderr, 4) or f"it ended with status {done.code}"
    hint = None
    if "NO_PUBKEY" in done.stderr or "signed-by" in why:
        hint = "Debian's keys are missing: apt-get install debian-archive-keyring"
    elif "Temporary failure resolving" in done.stderr or "Could not connect" in done.stderr:
        hint = "The Debian mirror is out of reach; name another with `mirror` in matrix.yaml."
    elif "is expired" in done.stderr or "is not valid anymore" in done.stderr:
        hint = "The mirror is behind the times; if that is meant, say `frozen: true` in this place in matrix.yaml."
    return SupplyError(f"mmdebstrap could not make {options.suite}: {why}", hint=hint)


def installed_packages(archive: Path) -> dict[str, str]:
    """Name to version of the packages in a root file system's archive. Raises SupplyError when it has none."""
    with tarfile.open(archive) as tar:
        for entry in tar:
            if entry.name.removeprefix("./") == "var/lib/dpkg/status":
                file = tar.extractfile(entry)
                assert file is not None
                return _parse_status(file.read().decode("utf-8", errors="replace"))
    raise SupplyError(f"{archive} holds no var/lib/dpkg/status: mmdebstrap made no Debian system")


def _parse_status(text: str) -> dict[str, str]:
    stanzas = [Parser().parsestr(stanza, headersonly=True) for stanza in text.split("\n\n") if stanza.strip()]
    return {
        str(stanza["Package"]): str(stanza["Version"])
        for stanza in stanzas
        if str(stanza["Status"]).endswith(" installed")
    }
