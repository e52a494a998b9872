"""How Triton is started out of a wheel: its backends in one folder, variables as options, arguments over both."""

from __future__ import annotations

from pathlib import Path

import pytest
from triton_server.__main__ import command, lay_out

SERVER, BACKENDS = Path("/wheel/bin/tritonserver"), Path("/tmp/backends")


def words(tmp_path: Path, *arguments: str, **environ: str) -> list[str]:
    return command(SERVER, BACKENDS, list(arguments), {"MODEL_REPOSITORY": str(tmp_path)} | environ)


def test_variables_become_options_and_an_argument_wins(tmp_path: Path) -> None:
    found = words(tmp_path, "--http-port=9000", HTTP_PORT="8096", METRICS_PORT="8098")

    assert found[0] == str(SERVER)
    assert [word for word in found if word.startswith("--http-port")] == ["--http-port=9000"]
    assert "--metrics-port=8098" in found
    assert f"--model-repository={tmp_path}" in found
    assert f"--backend-directory={BACKENDS}" in found


def test_a_repository_may_be_an_argument(tmp_path: Path) -> None:
    found = words(tmp_path, "--model-repository", "/elsewhere", MODEL_REPOSITORY="")

    assert found[-2:] == ["--model-repository", "/elsewhere"]
    assert sum(word.startswith("--model-repository") for word in found) == 1


@pytest.mark.parametrize("there", ["", "/nowhere"])
def test_without_a_repository_it_says_so(tmp_path: Path, there: str) -> None:
    with pytest.raises(ValueError, match=f"MODEL_REPOSITORY='{there}': there is no such folder"):
        words(tmp_path, MODEL_REPOSITORY=there)


def test_the_stub_for_this_python_lies_beside_its_backend(tmp_path: Path) -> None:
    wheel = tmp_path / "site-packages" / "pytriton"
    package = wheel.parent / "numpy"
    package.mkdir(parents=True)
    backend = wheel / "tritonserver/backends/python/libtriton_python.so"
    stub = wheel / "tritonserver/python_backend_stubs/3.11/triton_python_backend_stub"
    for file in (backend, stub):
        file.parent.mkdir(parents=True)
        file.touch()

    for _ in range(2):  # a container that is started again finds its links
        folder = lay_out(wheel, tmp_path / "backends", "3.11")

    assert (folder / "python" / backend.name).resolve() == backend
    assert (folder / "python" / stub.name).resolve() == stub
    assert (folder / "python" / package.name).resolve() == package
