from __future__ import annotations

from pathlib import Path

from bakehouse.measure.cpu_usage import Usage
from bakehouse.model_files.gguf.nemotron import nemotron_h_moe
from bakehouse.suite.bench import _last_usage, _tokens_per_word


class Watch:
    """Sees a process that ends after some looks."""

    def __init__(self, process: Path, *containers: float | None) -> None:
        self._process, self._containers = process, list(containers)

    def start(self) -> None:
        pass

    def usage(self) -> Usage:
        container = self._containers.pop(0)
        if not self._containers:
            self._process.rmdir()
        return Usage(elapsed=1.0, cores=2, machine=1.0, container=container, client=0.0)


def test_the_last_look_at_a_process_that_ends_by_itself_counts(tmp_path: Path) -> None:
    process = tmp_path / "42"
    process.mkdir()
    usage = _last_usage(Watch(process, 1.0, 2.0, None), process, timeout=10, look=0.001)
    assert usage is not None
    assert usage.container == 2.0


def test_a_process_that_cannot_be_seen_gives_nothing(tmp_path: Path) -> None:
    assert _last_usage(Watch(tmp_path / "42"), tmp_path / "42", timeout=10, look=0.001) is None


def test_one_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    assert _last_usage(Watch(tmp_path, *[1.0] * 100), tmp_path, timeout=0.01, look=0.02) is not None


def test_a_word_takes_as_many_tokens_as_the_model_has_for_it(tmp_path: Path) -> None:
    of_bytes = tmp_path / "bytes.gguf"
    of_bytes.write_bytes(b"".join(nemotron_h_moe()))
    assert _tokens_per_word(str(of_bytes)) == 7
    other = tmp_path / "model.safetensors"
    other.write_bytes(b"no GGUF")
    assert _tokens_per_word(str(other)) == 2
