"""The embedded engine: a private dockerd under the cache folder, for machines where no engine answers.

Several bakehouse processes share it. They coordinate by two kernel locks (flock), which are released when a process
crashes. `lock` is held while the engine is started or stopped. `users` is held, shared, by every process that uses it:
a process that can get it exclusively when it leaves was the last one, and stops the engine. An engine that somebody
started by hand on the same folder is used, and never stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from bakehouse.engine.embedded import bridge
from bakehouse.engine.embedded.cards import write_specification
from bakehouse.engine.embedded.leftovers import Folders, clean_up, find_dockerd, find_foreign_dockerd
from bakehouse.engine.embedded.ping import engine_answers
from bakehouse.errors import EngineError, InputError, Where
from bakehouse.system import daemon, process, signals

START_TIMEOUT = 90.0
STOP_GRACE = 40.0
"""More than dockerd's `shutdown-timeout` for containers, and time to write its state."""
LOCK_TIMEOUT = 180.0
LONGEST_SOCKET = 107
"""Bytes in a Unix socket's address, without the final zero: unix(7)."""
_LONGEST_BELOW = "exec/containerd/containerd-debug.sock"
_LARGEST_LOG = 16 << 20

_HINTS = (
    ("cgroup", "The engine needs writable control groups; in a container: run it with --privileged."),
    ("operation not permitted", "The engine needs full root rights; in a container: run it with --privileged."),
    ("permission denied", "The engine needs full root rights; in a container: run it with --privileged."),
    ("no space left", "Make room on the disk of the cache folder, or choose another one."),
    ("overlay", "The cache folder must be on a file system that overlayfs can use (ext4, xfs; not another overlay)."),
    ("unknown configuration", "See buildkit/daemon.json."),
    ("unable to configure", "See buildkit/daemon.json."),
)
"""What to do, by a word in the engine's last lines."""


class EmbeddedEngine:
    """Our use of the engine of one cache folder: `with EmbeddedEngine(...) as engine`, then `engine.socket`."""

    def __init__(
        self,
        *,
        cache: Path,
        say: Callable[[str], None],
        environ: Mapping[str, str],
        settings: Path | None = None,
    ) -> None:
        """Name the engine; nothing happens yet. `settings` is the daemon.json that ours starts from."""
        self.folders = folders_for(cache)
        self._say = say
        self._environ = environ
        self._settings = settings
        self._users: IO[bytes] | None = None
        self._bridge = bridge.bridge_name(self.folders.engine)

    @property
    def socket(self) -> Path:
        return self.folders.socket

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Use the engine that runs, or start it. Raises EngineError."""
        self.folders.engine.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.folders.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        with signals.interrupts(), self._alone():
            users = (self.folders.engine / "users").open("ab")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self._take_over():
                    self._start()
            except BaseException:
                users.close()
                raise
            self._users = users

    def stop(self) -> None:
        """Leave the engine; stop it if we are the last."""
        if self._users is None:
            return
        users, self._users = self._users, None
        with self._alone(), users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if find_foreign_dockerd(self.folders) is None:
                self._stop()

    def ensure_alive(self) -> None:
        """Raise EngineError with the engine's last words if it went away. Call it when the connection was lost."""
        if not engine_answers(self.socket):
            raise self._error("the embedded engine went away")

    def _take_over(self) -> bool:
        """Use what runs. False: there is nothing, and nothing is left of what there was."""
        if engine_answers(self.socket):
            return True
        if (foreign := find_foreign_dockerd(self.folders)) is not None:
            if self._wait(foreign):
                return True
            raise EngineError(
                f"dockerd (pid {foreign}), started by hand on {self.folders.engine}, does not answer",
                hint="Stop it, or use another cache folder.",
            )
        if (pid := find_dockerd(self.folders)) is not None:
            if self._wait(pid):
                return True
            self._say(f"The embedded engine (pid {pid}) does not answer; stopping it.")
        self._stop()
        return False

    def _start(self) -> None:
        self._say(f"Starting a private Docker Engine in {self.folders.engine}.")
        try:
            prepare_cgroups(Path("/sys/fs/cgroup"))
            network = bridge.create_bridge(self._bridge, routes=routes())
            config = engine_config(
                self.folders,
                base=self._base(),
                network=network,
                mtu=bridge.default_mtu(routes()),
                cdi=write_specification(self.folders.engine / "cdi", say=self._say),
            )
            self.folders.config.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            self._launch()
        except BaseException:
            self._stop()
            raise

    def _launch(self) -> None:
        _rotate(self.folders.log)
        pid = daemon.start(
            ["dockerd", "--config-file", str(self.folders.config)],
            log=self.folders.log,
            env=_daemon_environment(self._environ),
        )
        if not self._wait(pid):
            state = "did not answer in time" if daemon.alive(pid) else "ended while it started"
            raise self._error(f"the embedded engine {state}")

    def _stop(self) -> None:
        pid = find_dockerd(self.folders)
        if pid is not None and not daemon.stop(pid, grace=STOP_GRACE):
            self._say("The embedded engine did not stop by itself and was killed.")
        clean_up(self.folders)
        bridge.forget_networks(self.folders.data)
        bridge.remove_bridge(self._bridge)
        if self.folders.runtime != self.folders.engine:
            shutil.rmtree(self.folders.runtime, ignore_errors=True)

    def _wait(self, pid: int) -> bool:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if engine_answers(self.socket):
                return True
            if not daemon.alive(pid):
                return False
            time.sleep(0.05)
        return False

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folders.engine / "lock").open("ab") as lock:
            said, deadline = False, time.monotonic() + LOCK_TIMEOUT
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise EngineError(
                            f"another bakehouse has been starting or stopping the engine in {self.folders.engine} "
                            f"for {LOCK_TIMEOUT:g} s",
                            hint="See whether one hangs: fuser " + str(self.folders.engine / "lock"),
                        ) from None
                    if not said:
                        self._say("Waiting for another bakehouse that starts or stops the engine.")
                        said = True
                    time.sleep(0.1)
            yield

    def _base(self) -> dict[str, Any]:
        if self._settings is None:
            return {}
        try:
            base = json.loads(self._settings.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise InputError(error.msg, where=Where(file=str(self._settings), line=error.lineno)) from error
        if not isinstance(base, dict):
            raise InputError("must be a JSON object", where=Where(file=str(self._settings)))
        return base

    def _error(self, message: str) -> EngineError:
        try:
            said = process.last_lines(self.folders.log.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            said = ""
        hint = next((hint for word, hint in _HINTS if word in said.lower()), f"Its log: {self.folders.log}")
        return EngineError(f"{message}:\n{said or '(its log is empty)'}", hint=hint)


def routes() -> str:
    return Path("/proc/net/route").read_text(encoding="ascii")


def folders_for(cache: Path, *, run: Path = Path("/run")) -> Folders:
    """Folders of the engine of a cache folder; sockets go to a short path of their own where that is needed."""
    engine = (cache / "engine").resolve()
    if len(bytes(engine / _LONGEST_BELOW)) <= LONGEST_SOCKET:
        return Folders(engine=engine, runtime=engine)
    return Folders(engine=engine, runtime=run / f"bakehouse-{hashlib.sha256(bytes(engine)).hexdigest()[:10]}")


def engine_config(
    folders: Folders,
    *,
    base: Mapping[str, Any],
    network: bridge.Bridge,
    mtu: int | None = None,
    cdi: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return dockerd's configuration: what people wrote, and over it what makes the engine private.

    `cdi`: folders of specifications by which it hands out cards.
    """
    features = dict(base.get("features", {})) | {"containerd-snapshotter": True} | ({"cdi": True} if cdi else {})
    private: dict[str, Any] = {
        "features": features,
        "data-root": str(folders.data),
        "exec-root": str(folders.exec),
        "pidfile": str(folders.pidfile),
        "hosts": [f"unix://{folders.socket}"],
        "group": "root",
        "bridge": network.name,
        "iptables": False,
        "ip6tables": False,
    }
    kept = {key: value for key, value in base.items() if key not in _NEVER}
    return kept | private | ({"mtu": mtu} if mtu else {}) | ({"cdi-spec-dirs": list(cdi)} if cdi else {})


def prepare_cgroups(cgroups: Path, *, systemd: Path = Path("/run/systemd/system")) -> None:
    """Make room for the engine in a container's own control groups (version 2), as docker:dind does.

    There the kernel allows processes only in the leaves, and we are in the root. On a machine with systemd, on version
    1 and in the true root (which has no `cgroup.type`) nothing is to be done, and nothing is.
    """
    needed = (cgroups / "cgroup.controllers").is_file() and (cgroups / "cgroup.type").is_file()
    if not needed or systemd.is_dir():
        return
    with contextlib.suppress(OSError):
        leaf = cgroups / "init"
        leaf.mkdir(exist_ok=True)
        for pid in (cgroups / "cgroup.procs").read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):
                (leaf / "cgroup.procs").write_text(pid, encoding="ascii")
        for controller in (cgroups / "cgroup.controllers").read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):
                (cgroups / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")


_NEVER = ("default-address-pools", "bip", "fixed-cidr", "live-restore")
"""Settings that would reach beyond the private engine, or keep its containers when it stops."""


def _daemon_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Proxies and certificates for pulls stay; what speaks of another engine or service manager goes."""
    gone = ("DOCKER_HOST", "DOCKER_CONTEXT", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID")
    kept = {key: value for key, value in environ.items() if key not in gone}
    return kept | {"PATH": f"{environ.get('PATH', os.defpath)}:{process.SYSTEM_FOLDERS}"}


def _rotate(log: Path) -> None:
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
