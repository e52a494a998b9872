"""Damaged and hostile YAML files: each is read, planned and rendered, or refused in words. Nothing else may happen.

    python benchmarks/fuzz_yaml.py                    # 100,000 files: most of an hour on two cores

Each case is a copy of this project in which one file (matrix.yaml, recipe.yaml or bakehouse.lock) was changed: values,
keys and subtrees, lines, bytes. It goes the way of `bakehouse plan --json --write`, in this process. A case fails on an
exception that is no InputError (exit code 3), on more CPU time than `--limit` seconds, on words that a terminal would
obey, and on any file that is written, program that is started or connection that is made outside its folders (seen by
an audit hook of the interpreter).

A case is named by its seed and number, so `--only N` repeats it. Target: no failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bakehouse.bake.executor import write_bake_files
from bakehouse.commands.lint_project import findings_of
from bakehouse.commands.plan_json import document
from bakehouse.config.lock_file import read_lock
from bakehouse.errors import InputError
from bakehouse.pipeline.project import open_project
from bakehouse.planning.planner import make_plan, published_supplies

ROOT = Path(__file__).parents[1]
FILES = ("matrix.yaml", "recipes/llama-server/recipe.yaml", "recipes/embedder/recipe.yaml", "bakehouse.lock")
WEIGHTS = (6, 4, 3, 1)
"""How often each of them is changed."""
FOLDERS = ("dockerfiles", "options", "recipes/llama-server", "recipes/embedder", "recipes/_service")
"""What a plan of these files reads. Other recipes would be read in each case and changed in none."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
COUNT = 100_000
LIMIT = 10.0
CELLS = 3
"""Cells of a case that are rendered."""
LONGEST_ANSWER = 200_000
"""Characters of an error: fifty mistakes of a few lines each."""
BATCH = 250

# ---------------------------------------------------------------------------------------------- what goes in

VALUES: list[Any] = [
    None, True, False, 0, -1, 1.0, 1, 10**30, -(10**30), float("inf"), float("-inf"), float("nan"), 1e308, "", " ", "a",
    "1", "true", "~", "-", "-rf", "--help", "$(id)", "${HOME}", "`id`", "a b", "a\nRUN id", "a\r\nb", "a\0b", "\x1b[2J",
    "\u2028", "\u202e", "\x85", "'", '"', "\\", "a\\", "#", "<<EOF", "../..", "/etc/passwd", "~root", "{{ 7 * 7 }}",
    "%{if true}", "é", "日本", "x" * 10_000, "9" * 5000, "12.10", "linux/amd64", "cuda", "sm_120", "default", [], {},
    [[]], [None], {"a": None}, {"": ""}, ["a"] * 1000, {f"k{n}": n for n in range(300)}, "2026-13-01", "https://u:p@h/x",
    "docker-image://x", "0x10", "1:30", "=", "<<", "scratch", "recipe", "image", "host",
]  # fmt: skip

LAUGHS = "\nx0: &x0 [y]\n" + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9))
"""An alias of aliases of aliases: 9^8 values in 400 bytes."""

TEXTS = [
    "\ufeff", "\r\n", "\r", "\0", "\t", "\x07", "\x85", "\u2028", "\ud7ff", "&a ", "*a", "*nothing", "&a [*a]",
    "<<: *a", "!!int ", "!!float ", "!!bool ", "!!binary ", "!!timestamp ", "!!set ",
    "!!python/object/apply:os.system ", "!<x> ", "!!str ", "!!null ", "%YAML 9.9\n---\n", "\n---\n", "\n...\n",
    "? ", ": ", "- ", "[", "]", "{", "}", ",", "'", '"',
    "|\n", ">-\n", "#", "\\", '"\\ud800"', '"\\U00110000"', '"\\x00"', '"\\e[2J"', "0x" + "f" * 4000, "9" * 5000,
    ".inf", ".nan", "2026-10-01T00:00:00+99:99", "0001-01-01", "[" * 2000, "{a: " * 2000, "- " * 500, "? " * 500,
    "&b [" + "x, " * 50 + "]\nz: [*b, *b]", LAUGHS,
]  # fmt: skip


def mutate(texts: dict[str, str], chance: random.Random) -> tuple[str, bytes]:
    """The name of a file and what it becomes."""
    file = chance.choices(FILES, weights=WEIGHTS)[0]
    text = texts[file]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        text = chance.choice((_values, _values, _values, _lines, _insert))(text, chance)
    content = text.encode("utf-8", errors="surrogatepass")
    if chance.random() < 0.2:
        content = _bytes(content, chance)
    return file, content


def _values(text: str, chance: random.Random) -> str:
    """Change the tree, and write it down in one of YAML's styles; where that cannot be done, change lines."""
    try:
        tree = yaml.load(text, Loader=LOADER)
        paths = list(_paths(tree))
        if not paths:
            return text
        tree = _changed(tree, chance.choice(paths), chance, paths)
        style: bool | None = chance.choice((False, False, None, True))
        return str(
            yaml.dump(tree, Dumper=DUMPER, sort_keys=False, allow_unicode=True, default_flow_style=style, width=1000)
        )
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _lines(text, chance)


def _paths(
    tree: Any, at: tuple[Any, ...] = (), depth: int = 0, seen: set[int] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Where each value stands. What aliases name many times is entered once: `LAUGHS` has 9^8 paths, gigabytes."""
    seen = set() if seen is None else seen
    if id(tree) in seen:
        return
    seen.add(id(tree))
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*at, key)
        if depth < 20:
            yield from _paths(value, (*at, key), depth + 1, seen)


def _changed(tree: Any, path: tuple[Any, ...], chance: random.Random, paths: list[tuple[Any, ...]]) -> Any:
    parent = _at(tree, path[:-1])
    key = path[-1]
    match chance.randrange(8):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[chance.choice([value for value in VALUES if isinstance(value, str | int | float | None)])] = (
                parent.pop(key)
            )
        case 2:
            parent[key] = [parent[key]]
        case 3:
            parent[key] = {"a": parent[key]}
        case 4:
            parent[key] = _at(tree, chance.choice(paths))
            if parent[key] is tree or _holds(parent[key], parent):
                parent[key] = None
        case 5 if isinstance(parent[key], str):
            at = chance.randrange(len(parent[key]) + 1)
            parent[key] = parent[key][:at] + str(chance.choice(VALUES)) + parent[key][at:]
        case _:
            parent[key] = chance.choice(VALUES)
    return tree


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _holds(tree: Any, wanted: Any, seen: set[int] | None = None) -> bool:
    seen = set() if seen is None else seen
    if tree is wanted or id(tree) in seen:
        return tree is wanted
    seen.add(id(tree))
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return any(_holds(item, wanted, seen) for item in inner)


def _lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = " " * chance.randrange(1, 5) + lines[at]
        case 4:
            lines[at] = lines[at].lstrip()
        case _:
            key, colon, _ = lines[at].partition(":")
            lines[at] = f"{key}{colon} {chance.choice(TEXTS)}"
    return chance.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines)


def _insert(text: str, chance: random.Random) -> str:
    at = chance.choice((0, chance.randrange(len(text) + 1), len(text)))
    return text[:at] + chance.choice(TEXTS) + text[at:]


def _bytes(content: bytes, chance: random.Random) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(4):
            case 0:
                raw[at : at + chance.randrange(1, 40)] = b""
            case 1:
                raw[at:at] = chance.randbytes(chance.randrange(1, 6))
            case 2:
                raw[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                raw[at:] = raw[at : at + chance.randrange(1, 400)] * 2
    return bytes(raw)


# ---------------------------------------------------------------------------------------------- what may come of it


class TooLongError(Exception):
    """A case used more CPU time than it may."""


@dataclass(kw_only=True)
class Guard:
    """What a case does outside its folders. An audit hook stays for the life of the interpreter."""

    allowed: tuple[str, ...] = ()
    on: bool = False
    seen: list[str] = field(default_factory=list)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect"):
            self.seen.append(f"{event} {arguments[:1]!r}")
        elif event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or flags & (
                os.O_WRONLY | os.O_RDWR | os.O_CREAT
            )
            if writes:
                self._require(event, path)
        elif event in ("os.rename", "os.link", "os.symlink", "shutil.move"):
            for path in arguments[:2]:
                self._require(event, path)
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.truncate", "shutil.rmtree"):
            self._require(event, arguments[0])

    def _require(self, event: str, path: Any) -> None:
        if isinstance(path, int):
            return
        real = os.path.realpath(os.fsdecode(path))
        if not real.startswith(self.allowed) and real != os.devnull and "__pycache__" not in real:
            self.seen.append(f"{event} {real}")


GUARD = Guard()


@contextlib.contextmanager
def guarded(folder: Path, *, limit: float) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TooLongError

    GUARD.allowed, GUARD.seen = (f"{os.path.realpath(folder)}{os.sep}",), []
    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    GUARD.on = True
    try:
        yield
    finally:
        GUARD.on = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def plan(root: Path, out: Path, chance: random.Random) -> None:
    """What `bakehouse plan --json --write OUT` does, for a few of the cells. Raises InputError."""
    project, resolution = open_project(root)
    cells = tuple(chance.sample(resolution.cells, min(CELLS, len(resolution.cells))))
    supplies = published_supplies(project.world, read_lock(root))
    made = make_plan(root=root, world=project.world, cells=cells, excluded=resolution.excluded, supplies=supplies)
    if chance.randrange(10) == 0:
        findings_of(project)
    write_bake_files(out, dockerfiles=made.dockerfiles, bake=made.bake)
    json.dumps(document(made, advices=(), affected=None)).encode()


def judge(root: Path, chance: random.Random, *, limit: float) -> tuple[str, str]:
    """`planned` or `refused`, or what went wrong; and the details of that."""
    out = root / "out"
    try:
        with guarded(root, limit=limit):
            plan(root, out, chance)
        verdict, words = "planned", ""
    except InputError as error:
        verdict, words = "refused", str(error)
    except TooLongError:
        return "too long", traceback.format_exc()
    except Exception as error:  # noqa: BLE001 - that is what we are looking for
        return f"bug: {type(error).__name__}", traceback.format_exc()
    finally:
        shutil.rmtree(out, ignore_errors=True)
    if GUARD.seen:
        return "outside", "\n".join(GUARD.seen)
    if len(words) > LONGEST_ANSWER or not all(one.isprintable() or one == "\n" for one in words):
        return "words", ascii(words[:5000])
    return verdict, words


# ---------------------------------------------------------------------------------------------- many of them


@dataclass(frozen=True, kw_only=True)
class Failure:
    case: int
    verdict: str
    details: str
    file: str
    content: bytes


def copy_project(to: Path) -> dict[str, str]:
    """Our own project, as far as a plan reads it; its files by name."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    texts = {}
    for file in FILES:
        texts[file] = (ROOT / file).read_text(encoding="utf-8")
        (to / file).write_text(texts[file], encoding="utf-8")
    return texts


def run_batch(seed: int, cases: range, limit: float) -> tuple[Counter[str], list[Failure]]:
    if not getattr(run_batch, "hooked", False):
        sys.addaudithook(GUARD.hook)
        run_batch.hooked = True  # type: ignore[attr-defined]
    counts: Counter[str] = Counter()
    failures = []
    with tempfile.TemporaryDirectory(prefix="bakehouse-fuzz-") as folder:
        root = Path(folder)
        texts = copy_project(root)
        for case in cases:
            chance = random.Random(f"{seed}:{case}")
            file, content = mutate(texts, chance)
            (root / file).write_bytes(content)
            verdict, details = judge(root, chance, limit=limit)
            (root / file).write_text(texts[file], encoding="utf-8")
            counts[verdict] += 1
            if verdict not in ("planned", "refused"):
                failures.append(Failure(case=case, verdict=verdict, details=details, file=file, content=content))
                print(f"case {case}, {file}: {verdict}", flush=True)
    return counts, failures


def run(
    *, seed: int, cases: range, limit: float = LIMIT, workers: int = 1, say: Callable[[str], None] = lambda _: None
) -> tuple[Counter[str], list[Failure]]:
    """All cases; with one worker, in this process."""
    batches = [cases[at : at + BATCH] for at in range(0, len(cases), BATCH)]
    if workers == 1:
        parts = (run_batch(seed, batch, limit) for batch in batches)
        return _sum(parts, say, len(cases))
    with ProcessPoolExecutor(workers) as pool:
        return _sum(pool.map(run_batch, [seed] * len(batches), batches, [limit] * len(batches)), say, len(cases))


def _sum(
    parts: Iterator[tuple[Counter[str], list[Failure]]], say: Callable[[str], None], total: int
) -> tuple[Counter[str], list[Failure]]:
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    began = spoken = time.monotonic()
    for some, bad in parts:
        counts += some
        failures += bad
        if time.monotonic() - spoken > 60 or bad:
            spoken = time.monotonic()
            say(f"{spoken - began:7.0f} s  {counts.total():,} of {total:,}: {dict(counts)}")
    return counts, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin at this case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="N", help="this case alone")
    parser.add_argument("--limit", type=float, default=LIMIT, help="CPU seconds of a case")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="folder for the files of cases that fail")
    options = parser.parse_args()

    cases = range(options.first, options.count) if options.only is None else range(options.only, options.only + 1)
    workers = min(options.workers, max(1, len(cases) // BATCH))
    began = time.monotonic()
    counts, failures = run(
        seed=options.seed, cases=cases, limit=options.limit, workers=workers, say=lambda text: print(text, flush=True)
    )
    for failure in failures[:20]:
        print(f"\ncase {failure.case}, {failure.file}: {failure.verdict}\n{failure.details}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{failure.case}-{Path(failure.file).name}").write_bytes(failure.content)
    print(f"{counts.total():,} files in {time.monotonic() - began:.0f} s: {dict(counts)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
