"""The whole flow on a real engine: what passes, what fails, and the words for it."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.engine.toy import Toy

from bakehouse.errors import ExitCode
from bakehouse.model.enums import Grade, Verdict

pytestmark = pytest.mark.engine

REPORTS = {"run.json", "junit.xml", "summary.md", "summary.txt", "report.html"}


def test_two_good_cells_pass_the_whole_suite_and_a_second_build_is_cached(toy: Toy) -> None:
    toy.write({"default": {}, "twin": {}}, whole_suite=True)
    first = toy.build()
    assert first.code == ExitCode.OK, first.said
    folder = toy.folders[-1]
    assert {path.name for path in folder.iterdir()} >= REPORTS
    assert (toy.root / "reports" / "latest").resolve() == folder
    for cell in toy.report.cells:
        assert cell.verdict is Verdict.PASSED
        assert {test.name: test.message for test in cell.tests if test.verdict is Verdict.SKIPPED} == {
            "test_smoke.py::test_finds_code_for_this_cpu": "its recipe has no plugins",
            "test_smoke.py::test_has_its_plugins": "its recipe has no plugins",
            "test_throughput.py::test_workloads": "the recipe names no workloads beside pp and tg",
            "test_web_ui.py::test_works_in_a_browser": "the recipe leaves the page out",
        }
        others = {test.probe for test in cell.tests if test.verdict not in (Verdict.PASSED, Verdict.SKIPPED)}
        assert others <= {"throughput"}, "what a busy machine does to a rate is no fault of an image"
        rates = {one.metric: one for one in cell.measurements if one.metric in ("prompt_rate", "decode_rate")}
        assert set(rates) == {"prompt_rate", "decode_rate"}
        for rate in rates.values():
            assert rate.grading
            assert rate.grade is Grade.EXACT or rate.grading.reasons
            assert rate.grade is Grade.VOID or rate.counted
        assert len(cell.tests) == 19
        of_gpus = {"native-code", "ptx", "cuobjdump", "driver-floor"}
        assert {check.name for check in cell.checks if check.verdict is Verdict.SKIPPED} == of_gpus
        assert {check.verdict for check in cell.checks if check.name not in of_gpus} == {Verdict.PASSED}
        assert cell.finished
    assert "cpu-twin-amd64" in toy.docker("images", "--format", "{{.Tag}}", "bakehouse/toy")

    second = toy.build("--no-tests")
    assert second.code == ExitCode.OK, second.said
    assert len(toy.folders) == 2
    build = toy.cell().build
    assert build
    worked = [step.name for step in build.steps if any(word in step.name for word in ("RUN", "COPY", "ADD", "WORKDIR"))]
    assert len(worked) == 6
    assert all(step.cached for step in build.steps if step.name in worked)


def test_a_step_that_fails_fails_its_cell_and_no_other(toy: Toy) -> None:
    toy.write({"default": {}, "broken": {"STEP": "echo 'server.c:7: error: no such thing' && exit 7"}})
    done = toy.build("--no-tests")
    assert done.code == ExitCode.CELL_FAILED
    assert toy.cell().verdict is Verdict.PASSED
    cell = toy.cell("broken")
    assert cell.verdict is Verdict.FAILED
    assert cell.reason == "build: the step build 2/3 ended with exit code 7"
    assert cell.build
    assert cell.build.tail == ["server.c:7: error: no such thing"]
    summary = (toy.folders[-1] / "summary.txt").read_text()
    assert "server.c:7: error: no such thing" in summary
    assert "server.c:7" in done.said
    assert "server.c:7" in (toy.folders[-1] / cell.build.log).read_text()


def test_a_dockerfile_that_cannot_be_parsed_is_named_with_its_line(toy: Toy) -> None:
    toy.write(template=lambda text: text.replace("WORKDIR /app", "WORKDIRR /app"))
    done = toy.build("--no-tests")
    assert done.code == ExitCode.CELL_FAILED
    cell = toy.cell()
    assert cell.verdict is Verdict.FAILED
    where = "bake/toy-cpu-amd64.Dockerfile:18: "
    assert cell.reason == f"build: {where}unknown instruction: WORKDIRR (did you mean WORKDIR?)"


def test_a_template_that_cannot_be_rendered_is_an_input_error(toy: Toy) -> None:
    toy.write(template=lambda text: text + "{{ cell.nonsense }}\n")
    done = toy.build()
    assert done.code == ExitCode.BAD_INPUT
    assert "dockerfiles/toy.Dockerfile.j2:17: toy-cpu-amd64: " in done.said
    assert "a cell has no 'nonsense'" in done.said
    assert not toy.folders


def test_a_source_without_a_file_that_is_copied_fails(toy: Toy) -> None:
    toy.write()
    (toy.root / "tree" / "server").rename(toy.root / "tree" / "sever")
    done = toy.build("--no-tests")
    assert done.code == ExitCode.CELL_FAILED
    assert toy.cell().verdict is Verdict.FAILED
    assert '"/server": not found' in toy.cell().reason


def test_a_source_that_is_not_there_errs(toy: Toy) -> None:
    toy.write(source={"places": [{"path": "elsewhere"}]})
    done = toy.build()
    assert done.code == ExitCode.CELL_FAILED
    cell = toy.cell()
    assert cell.verdict is Verdict.ERRORED
    assert cell.reason == f"no source tree (tried: path elsewhere ({toy.root}/elsewhere does not exist))"
    assert cell.reason.partition(" (tried")[0] in done.said


def test_each_way_to_misbehave_has_its_words(toy: Toy) -> None:
    ways = {"never-healthy": {"TOY": "never-healthy"}, "exits": {"TOY": "exits"}}
    ways |= {"hungry": {"TOY": "hungry"}, "deaf": {"TOY": "deaf"}}
    toy.write(ways, start_period=3)
    done = toy.build("--workers", "4")
    assert done.code == ExitCode.CELL_FAILED
    assert {cell.verdict for cell in toy.report.cells} == {Verdict.FAILED}, done.said
    assert "it was not ready within 3 s: /health answered 503" in toy.cell("never-healthy").reason
    assert "it ended with status 3 instead of serving" in toy.cell("exits").reason
    assert "it was killed because it reached the memory limit of 64 MiB" in toy.cell("hungry").reason
    assert "it ignored SIGTERM for 1 s and had to be killed" in toy.cell("deaf").reason
    assert "tensor 'output.weight' is missing" in (toy.folders[-1] / "summary.txt").read_text()


def test_a_suite_that_cannot_be_collected_passes_nothing(toy: Toy) -> None:
    toy.write()
    (toy.root / "tests" / "images" / "test_health.py").write_text("import nonsense\n")
    done = toy.build()
    assert done.code == ExitCode.CELL_FAILED
    assert toy.cell().verdict is Verdict.ERRORED
    assert "No module named 'nonsense'" in toy.cell().tests[0].message


# ------------------------------------------------------------------------------------------ what is fetched


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder and the address that serves it."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    folder = tmp_path_factory.mktemp("web")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_model_that_is_not_a_gguf_errs(toy: Toy) -> None:
    page = b"<html>Please log in</html>"
    toy.write(model={"size": len(page), "sha256": hashlib.sha256(page).hexdigest()})
    (toy.root / "toy.gguf").write_bytes(page)
    done = toy.build()
    assert done.code == ExitCode.CELL_FAILED
    assert toy.cell().verdict is Verdict.ERRORED
    assert "toy.gguf is not a GGUF file (starts with b'<html>" in toy.cell().reason


def test_a_model_with_another_hash_errs_and_is_not_kept(toy: Toy, web: tuple[Path, str]) -> None:
    folder, address = web
    (folder / "toy.gguf").write_bytes(b"GGUF" + b"x" * 60)
    toy.write(model={"sha256": "ab" * 32, "places": [{"url": f"{address}/toy.gguf"}]})
    done = toy.build()
    assert done.code == ExitCode.CELL_FAILED
    assert toy.cell().verdict is Verdict.ERRORED
    assert toy.cell().reason.startswith(f"no model toy-model (tried: url {address}/toy.gguf (")
    assert "ab" * 32 in toy.cell().reason
    assert not list((toy.cache / "models").rglob("*.gguf"))


def test_a_source_with_another_hash_than_the_locked_one_errs(toy: Toy, web: tuple[Path, str]) -> None:
    folder, address = web
    (folder / "tree.tar.gz").write_bytes(b"not what was locked")
    url = f"{address}/tree.tar.gz"
    toy.write(source={"places": [{"url": url}]})
    (toy.root / "bakehouse.lock").write_text(
        f"version: 1\nfiles:\n  {url}:\n    file: tree.tar.gz\n    sha256: {'ab' * 32}\n"
    )
    done = toy.build()
    assert done.code == ExitCode.CELL_FAILED
    assert toy.cell().verdict is Verdict.ERRORED
    assert "ab" * 32 in toy.cell().reason
    assert hashlib.sha256(b"not what was locked").hexdigest() in toy.cell().reason


# ------------------------------------------------------------------------------------------ what is asked


def test_a_chosen_engine_that_is_not_there_is_an_error_with_a_hint(toy: Toy) -> None:
    done = toy.write().build(DOCKER_HOST="unix:///nonexistent.sock")
    assert done.code == ExitCode.INFRASTRUCTURE
    assert "DOCKER_HOST=unix:///nonexistent.sock" in done.said
    assert "unset" in done.said
    assert not toy.folders


def test_an_unknown_cell_gets_a_suggestion(toy: Toy) -> None:
    done = toy.write().build("--only", "toy-cpu-amd46")
    assert done.code == ExitCode.BAD_INPUT
    assert "no cell matches --only toy-cpu-amd46" in done.said
    assert "Perhaps you meant 'toy-cpu-amd64'." in done.said


def test_a_card_that_is_not_here_cannot_be_measured(toy: Toy) -> None:
    done = toy.write().run("bench", "--gpu", "rtx5090")
    assert done.code == ExitCode.BAD_INPUT
    assert "this machine has no rtx5090 (cuda, 32 GiB)" in done.said
    assert "nox -s bench -- --gpu rtx5090" in done.said


def test_clean_removes_the_images_and_never_a_cache_in_use(toy: Toy) -> None:
    toy.write()
    assert toy.build("--no-tests").code == ExitCode.OK
    done = toy.run("clean")
    assert done.code == ExitCode.OK, done.said
    assert not toy.docker("images", "-q", "bakehouse/toy")
    refused = toy.run("clean", "--cache")
    assert refused.code == ExitCode.INFRASTRUCTURE
    assert f"the engine in {toy.cache} is in use" in refused.said
    assert (toy.cache / "bases").is_dir()
