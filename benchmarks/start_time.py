"""How long commands that people type all day take to start and answer, against a start of Python that reads the YAML.

    python benchmarks/start_time.py

CPU seconds (user and system) of whole processes, all in turn in each round. The floor is Python that reads this
project's matrix, recipes and catalogue with libyaml and does nothing with them. Beside it stands what the libraries
take that every plan needs (pydantic with one class, rich). Target for `--help` and `plan`: 3 times the floor.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess  # noqa: TID251 - a benchmark measures whole processes
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 15
LIMIT = 3.0
FILES = [
    "matrix.yaml",
    *(str(path.relative_to(ROOT)) for path in ROOT.glob("src/bakehouse/catalogue/*.yaml")),
    *(str(path.relative_to(ROOT)) for path in ROOT.glob("recipes/*/recipe.yaml")),
]
FLOOR = "Python and its YAML"
LOAD = f"import yaml\nfor name in {FILES}:\n    yaml.load(open(name, encoding='utf-8'), Loader=yaml.CSafeLoader)"
LIBRARIES = "import yaml, argparse, pydantic, rich.console, rich.table\nclass A(pydantic.BaseModel):\n    x: int"
BAKEHOUSE = ["-m", "bakehouse"]
COMMANDS = {
    FLOOR: ["-c", LOAD],
    "the libraries alone": ["-c", LIBRARIES],
    "--help": [*BAKEHOUSE, "--help"],
    "plan": [*BAKEHOUSE, "plan"],
    "plan --gpu rtx4090": [*BAKEHOUSE, "plan", "--gpu", "rtx4090"],
    "plan --explain CELL": [*BAKEHOUSE, "plan", "--explain", "llama-server-cpu-amd64"],
    "plan --json": [*BAKEHOUSE, "plan", "--json"],
}
HELD = ("--help", "plan")
"""What the target is for."""


def cpu_seconds(words: list[str]) -> float:
    """Of one process, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *words], cwd=ROOT, env=environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"rounds (default: {RUNS})")
    runs = parser.parse_args().runs
    for words in COMMANDS.values():
        cpu_seconds(words)  # writes the .pyc files
    rounds = [{name: cpu_seconds(words) for name, words in COMMANDS.items()} for _ in range(runs)]
    floor = statistics.median(one[FLOOR] for one in rounds)
    for name in COMMANDS:
        took = [one[name] for one in rounds]
        ratio = statistics.median(took) / floor
        target = f"; target: at most {LIMIT:g}: {'met' if ratio <= LIMIT else 'not met'}" if name in HELD else ""
        spread = f"[{min(took):.3f} to {max(took):.3f}]"
        print(f"{name:20} {statistics.median(took):.3f} s {spread}  {ratio:.2f} times the floor{target}")


if __name__ == "__main__":
    main()
