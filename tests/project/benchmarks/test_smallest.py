"""Each documented benchmark, in its smallest form: what nothing runs, rots."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from bakehouse.system import process

ROOT = Path(__file__).parents[3]
COMMAND = re.compile(r"^python (?:benchmarks/(\w+)\.py|-m benchmarks\.(\w+))", re.MULTILINE)
SMALLEST = {
    "fuzz_yaml": ("--count", "20"),
    "plan_scale": ("--cells", "200", "400", "--runs", "1"),
    "start_time": ("--runs", "1"),
    "shards": ("--cells", "200"),
    "verdicts": ("--runs", "2"),
    "history_scale": ("--rows", "2000"),
    "load_client": ("--users", "1", "2", "--seconds", "0.2", "--runs", "1", "--clients", "ours"),
}
BUILDS = {"detector_service", "stack_memory", "no_change", "image_size", "native_decode", "rebuild_cost", "build_cost"}
"""They need an engine, and minutes of compiling: only their command lines are tried."""
NETWORK = {"cuda_size"}
"""It asks the package index."""


def documented() -> dict[str, list[str]]:
    """Each benchmark that the documents name, and how they start it."""
    texts = [path.read_text(encoding="utf-8") for path in (*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"))]
    found = {}
    for match in (match for text in texts for match in COMMAND.finditer(text)):
        found[match[1] or match[2]] = match[0].split()[1:]
    return found


def run(name: str, *words: str, cache: Path) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "BAKEHOUSE_CACHE": str(cache)}
    done = process.run([sys.executable, *documented()[name], *words], env=environ, cwd=ROOT, timeout=200)
    return done.stdout


def test_every_documented_benchmark_is_known_here() -> None:
    assert set(documented()) == {*SMALLEST, *BUILDS, *NETWORK}


@pytest.mark.parametrize("name", SMALLEST)
def test_it_ends_with_figures(name: str, tmp_path: Path) -> None:
    said = run(name, *SMALLEST[name], cache=tmp_path)
    assert re.search(r"\d", said), said


@pytest.mark.parametrize("name", sorted(BUILDS | NETWORK))
def test_its_command_line_is_read(name: str, tmp_path: Path) -> None:
    assert "usage:" in run(name, "--help", cache=tmp_path)
