"""Lay out the backends as the server expects them, and become it. Arguments are the server's own."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

BAD_SETTINGS = 2
REPOSITORY = "--model-repository"
DEFAULTS = {
    "http-port": "HTTP_PORT",
    "grpc-port": "GRPC_PORT",
    "metrics-port": "METRICS_PORT",
    "log-verbose": "LOG_VERBOSE",
    "exit-timeout-secs": "STOP_GRACE_S",
}
"""Options that a variable sets."""
FIXED = ("--exit-on-error=false", "--model-control-mode=none", "--disable-auto-complete-config")


def lay_out(wheel: Path, folder: Path, python: str) -> Path:
    """Link the Python backend, the stub for this Python and the installed packages into a folder.

    The wheel has backend and stub apart. The stub's Python is isolated: it reads no PYTHONPATH and looks for packages
    beside its backend.
    """
    source, target = wheel / "tritonserver", folder / "python"
    target.mkdir(parents=True, exist_ok=True)
    stub = source / "python_backend_stubs" / python / "triton_python_backend_stub"
    for file in (*sorted((source / "backends" / "python").iterdir()), stub, *sorted(wheel.parent.iterdir())):
        link = target / file.name
        link.unlink(missing_ok=True)
        link.symlink_to(file)
    return folder


def command(server: Path, backends: Path, arguments: list[str], environ: Mapping[str, str]) -> list[str]:
    """What is run. An argument wins over a variable. Raises ValueError without a repository of models."""
    named = {word.partition("=")[0] for word in arguments}
    words = [f"--backend-directory={backends}", *(word for word in FIXED if word.partition("=")[0] not in named)]
    for option, variable in DEFAULTS.items():
        if environ.get(variable) and f"--{option}" not in named:
            words.append(f"--{option}={environ[variable]}")
    if REPOSITORY not in named:
        repository = environ.get("MODEL_REPOSITORY", "")
        if not Path(repository).is_dir() or not repository:
            raise ValueError(f"MODEL_REPOSITORY={repository!r}: there is no such folder; mount a repository of models")
        words.append(f"{REPOSITORY}={repository}")
    return [str(server), *words, *arguments]


def main() -> None:
    found = importlib.util.find_spec("pytriton")
    assert found is not None
    assert found.origin is not None
    wheel = Path(found.origin).parent
    backends = lay_out(wheel, Path("/tmp/backends"), f"{sys.version_info.major}.{sys.version_info.minor}")  # noqa: S108
    try:
        words = command(wheel / "tritonserver/bin/tritonserver", backends, sys.argv[1:], os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        sys.exit(BAD_SETTINGS)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    os.execv(words[0], words)  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
