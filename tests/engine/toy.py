"""A project that is built, proven and probed in seconds, without any network: see toy/server.c for its misbehaviours.

Its base is a root file system with this machine's own sh, sleep, cat and ls, laid where `debootstrap` would have put
one; its server is compiled once a session with this machine's compiler.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess  # noqa: TID251 - a program is started here that is to be interrupted and killed
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import RUN_LABEL
from bakehouse.model.places import DebootstrapPlace
from bakehouse.model.report import CellReport, RunReport
from bakehouse.reporters import json_file
from bakehouse.supply import debootstrap
from bakehouse.system import process

HERE = Path(__file__).parent / "toy"
PROJECT = Path(__file__).parents[2]
SUITE = "toy"
"""No Debian suite: a base that is not in the cache fails at once instead of being downloaded."""
PROGRAMS = ("sh", "sleep", "cat", "ls")
MODEL = b"GGUF" + bytes(60)

SMALL_SUITE = '''\
"""Two starts of a server, which is enough to be interrupted in."""

from bakehouse.probes import health, stopping


def test_becomes_ready(subject, server):
    pass


def test_ends_on_sigterm(subject, start_server):
    stopping.stops(start_server().container, subject.health)
'''


def supply(cache: Path) -> None:
    """Put the base and the compiled server where every toy project of this cache finds them."""
    options = DebootstrapPlace.Options(suite=SUITE)
    folder = cache / "bases" / debootstrap._key(options, debootstrap.platform_of(os.uname().machine))
    folder.mkdir(parents=True)
    _write_root_filesystem(folder / "rootfs.tar")
    (folder / "rootfs.packages.json").write_text("{}")
    command = ["cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]
    process.run([*command, "-o", str(cache / "toy-server"), str(HERE / "server.c")])


def _write_root_filesystem(archive: Path) -> None:
    programs = [found for name in PROGRAMS if (found := process.find(name))]
    files = {str(path) for path in programs}
    for program in programs:
        files |= {word for word in process.run(["ldd", str(program)]).stdout.split() if word.startswith("/")}
    with tarfile.open(archive, "w") as tar:
        for name in sorted(files):
            tar.add(Path(name).resolve(), arcname=name.lstrip("/"))
        for program in programs:
            tar.add(program.resolve(), arcname=f"bin/{program.name}")
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A run of bakehouse that ended."""

    code: int
    said: str
    """Both outputs."""


class Running:
    """A run of bakehouse that may still go on, in a process group of its own as a shell would give it."""

    def __init__(self, command: list[str], *, env: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._file: IO[bytes] = log.open("wb")
        self.process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, condition: str | Callable[[], object], seconds: float = 60.0) -> None:
        """Until it has said some words or something is true, while it runs."""
        deadline = time.monotonic() + seconds
        while not (condition in self.said if isinstance(condition, str) else condition()):
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < deadline, f"waited in vain for {condition}:\n{self.said}"
            time.sleep(0.02)

    def send(self, number: signal.Signals, *, to_group: bool = False) -> None:
        (os.killpg if to_group else os.kill)(self.process.pid, number)

    def end(self, seconds: float = 90.0) -> Ended:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within {seconds} s:\n{self.said}") from None
        self._file.close()
        return Ended(code=code, said=self.said)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._file.close()


class Toy:
    """A project in a folder of its own, with a cache that others share."""

    def __init__(self, root: Path, *, cache: Path, environ: Mapping[str, str], engine: Engine) -> None:
        self.root = root
        self._engine = engine
        self.cache = cache
        self.environ = dict(environ) | {"BAKEHOUSE_CACHE": str(cache)}
        self._started: list[Running] = []

    def write(
        self,
        flag_sets: Mapping[str, Mapping[str, str]] | None = None,
        *,
        whole_suite: bool = False,
        start_period: float = 20.0,
        source: Mapping[str, Any] | None = None,
        model: Mapping[str, Any] | None = None,
        template: Callable[[str], str] = lambda text: text,
    ) -> Toy:
        """Write its files. `flag_sets` by name: STEP is a shell command of the build, TOY a misbehaviour."""
        rows = flag_sets if flag_sets is not None else {"default": {}}
        accelerated = {"summary": "a toy", "accelerators": ["cpu"]}
        matrix = {
            "version": 1,
            "catalogue": False,
            "bases": {
                "shell": {
                    "os": "toy",
                    "platforms": ["linux/amd64", "linux/arm64"],
                    "places": [{"debootstrap": {"suite": SUITE}}],
                }
            },
            "sources": {"tree": self._source() | dict(source or {})},
            "models": {"toy-model": self._model() | dict(model or {})},
            "gpus": {"rtx5090": {"accelerator": "cuda", "memory": "32 GiB"}},
            "flag_sets": {name: accelerated | {"cmake": dict(row)} for name, row in rows.items()},
            "axes": {"accelerator": ["cpu"], "flag_set": list(rows), "platform": [self._platform()]},
        }
        recipe = {
            "summary": "a server that is a toy",
            "template": "toy.Dockerfile.j2",
            "server": "llama.cpp",
            "accelerators": ["cpu"],
            "build": {
                "kind": "cmake",
                "source": "tree",
                "base": "shell",
                "packages": ["none"],
                "host_targets": ["server"],
            },
            "runtime": {"port": 8080, "entrypoint": ["/app/server"], "size_budget": "50 MiB"},
            "probes": {
                "health": {"start_period": start_period, "stop_grace": 1.0},
                "throughput": {
                    "model": "toy-model",
                    "prompt_tokens": 16,
                    "output_tokens": 8,
                },
                "memory_limit": "64 MiB",
            },
        }
        self._write("matrix.yaml", _dump(matrix))
        self._write("recipes/toy/recipe.yaml", _dump(recipe))
        self._write("dockerfiles/toy.Dockerfile.j2", template((HERE / "toy.Dockerfile.j2").read_text()))
        shutil.rmtree(self.root / "tests", ignore_errors=True)
        if whole_suite:
            shutil.copytree(PROJECT / "tests" / "images", self.root / "tests" / "images")
        else:
            for shipped in (PROJECT / "tests" / "images").glob("test_*.py"):
                self._write(f"tests/images/{shipped.name}", "")  # takes the place of the shipped one
            self._write("tests/images/test_health.py", SMALL_SUITE)
        return self

    def _source(self) -> dict[str, Any]:
        (self.root / "tree").mkdir(exist_ok=True)
        shutil.copy(self.cache / "toy-server", self.root / "tree" / "server")
        return {
            "revision": "0123456789" * 4,
            "build_number": 1,
            "committed": "2026-10-01T00:00:00Z",
            "places": [{"path": "tree"}],
        }

    def _model(self) -> dict[str, Any]:
        (self.root / "toy.gguf").write_bytes(MODEL)
        return {
            "file": "toy.gguf",
            "size": len(MODEL),
            "sha256": hashlib.sha256(MODEL).hexdigest(),
            "question": {"prompt": "The capital of France is", "expect": ["Paris"]},
            "places": [{"path": "toy.gguf"}],
        }

    @staticmethod
    def _platform() -> str:
        return debootstrap.platform_of(os.uname().machine)

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # ------------------------------------------------------------------------------------------ running it

    def start(self, *words: str, **environ: str) -> Running:
        return self._start((), words, environ)

    def start_in_background(self, *words: str, **environ: str) -> Running:
        """With SIGINT ignored, as a script's background job or nohup starts it."""
        return self._start(("sh", "-c", 'trap "" INT; exec "$@"', "sh"), words, environ)

    def _start(self, starter: tuple[str, ...], words: tuple[str, ...], environ: dict[str, str]) -> Running:
        command = [*starter, sys.executable, "-m", "bakehouse", "--root", str(self.root), *words]
        log = self.root / f"said-{len(self._started)}.log"
        running = Running(command, env=self.environ | environ, log=log)
        self._started.append(running)
        return running

    def run(self, *words: str, **environ: str) -> Ended:
        return self.start(*words, **environ).end()

    def build(self, *words: str, **environ: str) -> Ended:
        return self.run("build-matrix", "--quick", "--workers", "2", *words, **environ)

    def close(self) -> None:
        """End whatever a failed test has left."""
        for running in self._started:
            if running.process.poll() is None:
                running.kill()

    # ------------------------------------------------------------------------------------------ what it left

    @property
    def folders(self) -> list[Path]:
        """Folders of the runs, oldest first."""
        return sorted(path.parent for path in self.root.glob("reports/*/run.json") if path.parent.name != "latest")

    @property
    def report(self) -> RunReport:
        """Of the newest run."""
        return json_file.read(self.folders[-1])

    def cell(self, flag_set: str = "default") -> CellReport:
        return next(cell for cell in self.report.cells if cell.flag_set == flag_set)

    def docker(self, *words: str, **environ: str) -> str:
        return process.run(["docker", *words], env=self._engine.environment() | environ).stdout

    @property
    def containers(self) -> list[str]:
        """Those that runs of bakehouse made."""
        return self.docker("ps", "-aq", "--filter", f"label={RUN_LABEL}").split()

    @property
    def files_left(self) -> Iterable[Path]:
        """Temporary files that nobody needs any more."""
        scratch = list((self.cache / "scratch").glob("*"))
        return [*scratch, *self.root.rglob("*.tmp"), *self.root.rglob("*.pid")]


def _dump(content: Any) -> str:
    """YAML, with the one date unquoted as a person writes it."""
    plain = json.loads(json.dumps(content))
    return yaml.safe_dump(plain, sort_keys=False).replace("'2026-10-01T00:00:00Z'", "2026-10-01T00:00:00Z")
