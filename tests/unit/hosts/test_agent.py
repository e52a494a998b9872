"""The agent as a program, without a container around it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess  # noqa: TID251 - its input is closed in the middle
import sys
import tarfile
import time
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.errors import ExitCode
from bakehouse.hosts.facts import ANSWER, ENDED, HostFacts
from bakehouse.hosts.mirror import Receiver

AGENT = [sys.executable, "-m", "bakehouse.hosts"]


def ask(*words: str, given: bytes = b"") -> tuple[int, list[str]]:
    done = subprocess.run([*AGENT, *words], input=given, capture_output=True, check=False, timeout=60)
    lines = done.stdout.decode().splitlines()
    assert lines[-1] == f"{ENDED}{done.returncode}", done.stderr.decode()
    return done.returncode, lines[:-1]


def test_it_tells_what_the_machine_has(tmp_path: Path) -> None:
    (tmp_path / "models" / ("ab" * 32)).mkdir(parents=True)
    (tmp_path / "models" / ("cd" * 32 + ".7.part")).mkdir()
    engine = {"kind": "external", "host": None, "version": "28", "buildx": "0.13", "containerd_store": True}
    code, lines = ask("facts", str(tmp_path), given=json.dumps(engine).encode())
    assert code == 0
    found = HostFacts.model_validate_json(lines[-1].removeprefix(ANSWER))
    assert found.host.engine == "Docker 28 (external)"
    assert found.machine.cores >= 1
    assert found.models == ["ab" * 32]
    assert Engine(**engine).is_here  # type: ignore[arg-type]


def test_a_model_is_kept_once_its_hash_is_right(tmp_path: Path) -> None:
    data = b"GGUF" + bytes(3_000_000)
    right = hashlib.sha256(data).hexdigest()
    assert ask("model", str(tmp_path), right, "m.gguf", given=data)[0] == 0
    place = tmp_path / "models" / right / "m.gguf"
    assert place.read_bytes() == data
    assert place.stat().st_mode & 0o777 == 0o444
    assert ask("model", str(tmp_path), right, "m.gguf", given=data)[0] == 0, "another run may bring it, too"

    code, lines = ask("model", str(tmp_path), "00" * 32, "m.gguf", given=data)
    assert code == ExitCode.BAD_INPUT
    assert f"arrived with the sha256 {right}" in lines[0]
    assert [path.name for path in (tmp_path / "models").iterdir()] == [right]


def test_files_take_the_place_of_those_before(tmp_path: Path) -> None:
    for name in ("first", "second"):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            member = tarfile.TarInfo(f"tests/{name}")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        assert ask("receive", str(tmp_path / "files"), given=data.getvalue())[0] == 0
    assert [path.name for path in (tmp_path / "files/tests").iterdir()] == ["second"]
    assert ask("forget", str(tmp_path / "files"))[0] == 0
    assert not (tmp_path / "files").exists()


def test_a_program_is_heard_and_its_files_are_mirrored(tmp_path: Path) -> None:
    there = tmp_path / "volume/runs/r/results"
    there.mkdir(parents=True)
    here = tmp_path / "here"
    here.mkdir()
    script = f"open({str(there / 'tests.jsonl')!r}, 'w').write('1\\n'); print('one'); raise SystemExit(7)"
    receiver = Receiver(here)
    with subprocess.Popen([*AGENT, "run", str(there), sys.executable, "-c", script], stdin=-1, stdout=-1) as process:
        assert process.stdout
        said = [line.decode().rstrip() for line in process.stdout]
        lines = [line for line in said if not receiver.take(line)]
        assert process.wait(30) == 7
    assert lines == ["one", f"{ENDED}7"]
    assert (here / "tests.jsonl").read_text() == "1\n"


@pytest.mark.timeout(60)
def test_it_ends_with_what_it_runs_when_nobody_listens(tmp_path: Path) -> None:
    there = tmp_path / "volume/runs/r/results"
    there.mkdir(parents=True)
    marker = tmp_path / "started"
    script = f"import time, pathlib; pathlib.Path({str(marker)!r}).touch(); time.sleep(300)"
    process = subprocess.Popen(
        [*AGENT, "run", str(there), sys.executable, "-c", script], stdin=-1, stdout=-1, stderr=-1
    )
    while not marker.exists():
        time.sleep(0.05)
    process.communicate(timeout=30)
    assert process.returncode != 0
