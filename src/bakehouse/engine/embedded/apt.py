"""Install Debian packages as root without changing how the machine's apt is set up.

Everything apt needs (sources, pins, lists, downloads) is a private folder under the cache, named by APT_CONFIG. It
starts from the distribution's own sources of this machine, so its mirror and its keys are used, and third-party
sources that may be out of reach are left out. No service is started or enabled: an engine that nobody asked for must
not appear.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock

from bakehouse.engine.embedded.debian import AptSource, Distribution, read_distribution, read_sources
from bakehouse.errors import InfrastructureError
from bakehouse.system import process

DOCKER_DEBIAN = ("docker.io", "docker-cli", "docker-buildx", "containerd")
DOCKER_UBUNTU = ("docker.io", "docker-buildx")
OLDEST = {"debian": 12, "ubuntu": 22}
"""Major versions; what is older has no docker.io that can be made to fit."""
NEWER_SUITE = {("debian", 12): "trixie"}
"""Where the release's own docker.io is older than `connect.OLDEST_ENGINE` (Debian 12: 20.10), the next one's fits."""

DOWNLOAD_TIMEOUT = 1800.0
_UNITS = ("docker.service", "docker.socket", "containerd.service")
_POLICY = "usr/sbin/policy-rc.d"
_POLICY_MARK = "# bakehouse"
_POLICY_TEXT = f"#!/bin/sh\n{_POLICY_MARK}\n# Only while a package is installed: no service is started.\nexit 101\n"
_LOCK_TIMEOUT = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AptMachine:
    """The machine that packages are installed on. Tests give it another root and other programs."""

    cache: Path
    say: Callable[[str], None]
    environ: Mapping[str, str]
    root: Path = Path("/")
    is_root: bool

    @classmethod
    def this(cls, *, cache: Path, say: Callable[[str], None], environ: Mapping[str, str]) -> AptMachine:
        return cls(cache=cache, say=say, environ=environ, is_root=os.geteuid() == 0)


def ensure_programs(programs: Mapping[str, str], *, machine: AptMachine, allow_install: bool = True) -> None:
    """Install what is missing of `programs` (program name to Debian package).

    Raises InfrastructureError with the command to run where we may not or cannot install it.
    """
    missing = {name: package for name, package in programs.items() if not _has(name, machine)}
    if not missing:
        return
    names, packages = ", ".join(sorted(missing)), tuple(sorted(set(missing.values())))
    distribution = read_distribution(machine.root)
    if not _can_install(distribution):
        raise InfrastructureError(
            f"not installed: {names}", hint="Install it with your system's package manager, then run again."
        )
    if not (machine.is_root and allow_install):
        raise InfrastructureError(
            f"not installed: {names}", hint=f"Run: sudo apt-get install {' '.join(packages)}  (as root we would do it)"
        )
    _install(packages, machine=machine, distribution=distribution)
    still = sorted(name for name in missing if not _has(name, machine))
    if still:
        raise InfrastructureError(f"apt-get installed {', '.join(packages)}, but {', '.join(still)} is still missing")


def install_docker(*, machine: AptMachine) -> None:
    """Install Docker Engine, its client and buildx from the distribution. Raises InfrastructureError."""
    distribution = read_distribution(machine.root)
    if not machine.is_root or not _can_install(distribution):
        raise InfrastructureError(
            f"Docker cannot be installed here ({distribution.title or 'unknown system'})",
            hint="Install Docker Engine with buildx (https://docs.docker.com/engine/install/), then run again. "
            f"By ourselves we can do it as root on Debian {OLDEST['debian']} or Ubuntu {OLDEST['ubuntu']} and later.",
        )
    packages = DOCKER_DEBIAN if distribution.id == "debian" else DOCKER_UBUNTU
    suite = NEWER_SUITE.get((distribution.id, distribution.major or 0))
    wanted = tuple(f"{package}/{suite}" for package in packages) if suite else packages
    fresh = not _has("dockerd", machine)
    if _needs_apparmor(machine):
        wanted = (*wanted, "apparmor")
    _install(wanted, machine=machine, distribution=distribution, suite=suite)
    if fresh:
        _disable_services(machine)


def _install(
    packages: tuple[str, ...], *, machine: AptMachine, distribution: Distribution, suite: str | None = None
) -> None:
    folder = machine.cache / "apt"
    folder.mkdir(parents=True, exist_ok=True)
    env = environment(machine, folder)
    where = f"{distribution.title}, partly from {suite}" if suite else distribution.title
    machine.say(
        f"Installing {', '.join(packages)} with apt-get ({where}); no service is started, /etc/apt stays as is."
    )
    with filelock.FileLock(folder / "lock", timeout=_LOCK_TIMEOUT):
        write_setup(folder, machine=machine, distribution=distribution, suite=suite)
        updated = process.run(["apt-get", "update"], env=env, timeout=DOWNLOAD_TIMEOUT, check=False)
        with services_held(machine.root):
            installed = process.run(
                ["apt-get", "install", "-y", "--no-install-recommends", "--no-remove", *packages],
                env=env,
                timeout=DOWNLOAD_TIMEOUT,
                check=False,
            )
    shutil.rmtree(folder / "archives", ignore_errors=True)
    if installed.code != 0:
        said = [process.last_lines(step.stderr) for step in (updated, installed) if step.code != 0]
        raise InfrastructureError(
            f"apt-get could not install {', '.join(packages)}:\n" + "\n".join(said),
            hint="Install them by hand, or see whether this machine reaches its Debian mirror.",
        )


def environment(machine: AptMachine, folder: Path) -> dict[str, str]:
    return dict(machine.environ) | {
        "APT_CONFIG": str(folder / "apt.conf"),
        "DEBIAN_FRONTEND": "noninteractive",
        "NEEDRESTART_SUSPEND": "1",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{machine.environ.get('PATH', os.defpath)}:{process.SYSTEM_FOLDERS}",
    }


def write_setup(folder: Path, *, machine: AptMachine, distribution: Distribution, suite: str | None) -> None:
    """Write the private apt.conf with its sources and pins, from scratch each time."""
    for name in ("sources", "preferences"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    for name in ("lists", "archives"):
        (folder / name / "partial").mkdir(parents=True, exist_ok=True)
    own = own_sources(read_sources(machine.root), codename=distribution.codename)
    if not own:
        raise InfrastructureError(
            f"apt has no source for {distribution.title} on this machine",
            hint="See /etc/apt/sources.list and /etc/apt/sources.list.d.",
        )
    newer = [source.of_suite(distribution.codename, suite) for source in own] if suite else []
    text = "\n".join(source.render() for source in (*own, *newer))
    (folder / "sources" / "bakehouse.sources").write_text(text, encoding="utf-8")
    for users in sorted((machine.root / "etc/apt/preferences.d").glob("*")):
        if users.suffix in ("", ".pref") and users.is_file():
            shutil.copy(users, folder / "preferences" / users.name)
    if suite:
        pin = f"Package: *\nPin: release n={suite}*\nPin-Priority: 100\n"
        (folder / "preferences" / "bakehouse.pref").write_text(pin, encoding="utf-8")
    (folder / "apt.conf").write_text(_apt_conf(folder, machine.environ.get("APT_CONFIG")), encoding="utf-8")


def _apt_conf(folder: Path, users: str | None) -> str:
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": str(folder / "sources"),
        "Dir::Etc::preferencesparts": str(folder / "preferences"),
        "Dir::State::lists": str(folder / "lists"),
        "Dir::Cache::archives": str(folder / "archives"),
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Retries": "3",
        "Acquire::Languages": "none",
        "DPkg::Lock::Timeout": "300",
    }
    include = f'#include "{users}";\n' if users else ""
    return include + "".join(f'{key} "{value}";\n' for key, value in settings.items())


def own_sources(sources: tuple[AptSource, ...], *, codename: str) -> tuple[AptSource, ...]:
    """Return the sources of the distribution itself, cut to its release, updates and security suites."""
    wanted = (codename, f"{codename}-updates", f"{codename}-security")
    own = (source.cut_to(wanted) for source in sources if "deb" in source.types)
    return tuple(source for source in own if source.suites and "main" in source.components)


@contextlib.contextmanager
def services_held(root: Path) -> Iterator[None]:
    """Keep packages from starting services, the Debian way (policy-rc.d); one that somebody else made stays as it is.

    Ours carries a mark, so that one left behind by a run that was killed is known for ours and taken away.
    """
    policy = root / _POLICY
    ours = False
    with contextlib.suppress(OSError):
        if _POLICY_MARK in policy.read_text(encoding="utf-8", errors="replace").splitlines():
            policy.unlink()
    policy.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(policy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
            ours = True
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_POLICY_TEXT)
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def _disable_services(machine: AptMachine) -> None:
    """On a machine with systemd the package enables its service for the next boot; take that back."""
    if not (machine.root / "run/systemd/system").is_dir() or not _has("systemctl", machine):
        return
    process.run(
        ["systemctl", "disable", "--quiet", *_UNITS],
        env=environment(machine, machine.cache / "apt"),
        check=False,
        timeout=60,
    )
    machine.say(
        f"The system's Docker service is left off; for a system-wide engine: systemctl enable --now {_UNITS[0]}"
    )


def _needs_apparmor(machine: AptMachine) -> bool:
    """Where the kernel enforces AppArmor, dockerd loads a profile and needs the parser, which is only recommended."""
    enabled = machine.root / "sys/module/apparmor/parameters/enabled"
    try:
        return enabled.read_text(encoding="ascii").strip() == "Y" and not _has("apparmor_parser", machine)
    except OSError:
        return False


def _can_install(distribution: Distribution) -> bool:
    oldest = OLDEST.get(distribution.id)
    return oldest is not None and (distribution.major is None or distribution.major >= oldest)


def _has(program: str, machine: AptMachine) -> bool:
    return process.find(program, path=machine.environ.get("PATH", os.defpath)) is not None
