from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bakehouse.errors import InputError
from bakehouse.machine import Machine
from bakehouse.pipeline import request
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.job import Options
from bakehouse.pipeline.request import RunRequest, read_request
from bakehouse.planning.select import Selection
from tests.unit.projects import matrix, write_project

CUDA = {
    "toolkits": {"cuda12.9": {"accelerator": "cuda", "version": "12.9.1", "build_base": "debian"}},
    "archs": {"sm_120": {"accelerator": "cuda"}},
    "gpus": {"rtx5090": {"accelerator": "cuda", "arch": "sm_120", "memory": "32 GiB"}},
}
HOSTS = {"box": {"ssh": "ssh://me@box", "cards": ["rtx5090"]}, "green": {"context": "green", "cards": ["cpu"]}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = Machine(platform="linux/amd64", cores=2, cards=())
    monkeypatch.setattr(request, "detect", lambda: here)
    return write_project(tmp_path, matrix=matrix(**CUDA, hosts=HOSTS))


def read(root: Path, *cards: str, **options: Any) -> RunRequest:
    context = Context(root=root, cache=root / "cache", environ={}, console=Console(quiet=True))
    return read_request(context, Options(selection=Selection(gpu=cards), **options))


def test_each_cell_has_a_host(project: Path) -> None:
    assert read(project).hosts == {"server-cpu-amd64": "green"}
    assert read(project, hosts=("here",)).hosts == {"server-cpu-amd64": "here"}


def test_a_card_is_wanted_of_a_host_or_of_this_machine(project: Path) -> None:
    assert read(project, "cpu", need_card=True).hosts == {"server-cpu-amd64": "green"}
    with pytest.raises(InputError, match="--host green: no rtx5090") as caught:
        read(project, "rtx5090", need_card=True, hosts=("green",))
    assert caught.value.hint == "There is: green: cpu."
    with pytest.raises(InputError, match="this machine has no rtx5090"):
        read(project, "rtx5090", need_card=True, hosts=("here",))
    with pytest.raises(InputError, match="axes combine nothing that fits it"):
        read(project, "rtx5090", need_card=True)


def test_a_program_of_this_machine_makes_no_load_on_another(project: Path) -> None:
    with pytest.raises(InputError, match="--engine aiperf makes the load on this machine alone, and green would test"):
        read(project, client="aiperf")
    assert read(project, client="aiperf", hosts=("here",)).cells


def test_a_host_that_is_none_is_named(project: Path) -> None:
    with pytest.raises(InputError, match="--host gren: the matrix has no such host"):
        read(project, hosts=("gren",))
