"""Imports point one way: a module imports from its own room or from lower layers, never from above or beside."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/bakehouse"

LAYERS = (
    ("errors",),
    ("system", "model"),
    ("formatting", "stats"),
    ("model_files",),
    ("catalogue", "machine", "servers"),
    ("config",),
    ("history",),
    ("planning",),
    ("stacks",),
    ("ci",),
    ("lint", "engine", "model_files/tfjs"),
    ("servers/others",),
    ("servers/llama_cpp/lint",),
    ("servers/linters",),
    ("measure/loadgen", "supply", "prove", "reporters"),
    ("measure", "registry"),
    ("probes", "bake"),
    ("suite",),
    ("hosts",),
    ("pipeline",),
    ("publish",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""Lowest first. Packages and top-level modules of `bakehouse`; a part of a package that stands higher than its rest
has a layer of its own."""

PURE = (
    "ci",
    *("errors", "model", "formatting", "stats", "model_files", "catalogue", "servers", "planning", "machine/preflight"),
    *(
        "config/suggest",
        "config/references",
        "config/contradictions",
        "config/input_error",
        "config/validation_errors",
        "config/yaml_document",
    ),
    "stacks",
    "config/yaml_edit",
    "lint/options_change",
    "supply/newest/gitlink",
    *("history/paired", "history/rows", "history/terms"),
    *("lint/relations", "lint/stages", "lint/cmake_language", "lint/container_file", "lint/cpp", "lint/dockerfile"),
    *("lint/cmake_names", "lint/server_start", "lint/shell"),
    *(
        "measure/loadgen/percentiles",
        "measure/loadgen/replies",
        "measure/loadgen/sse",
        "measure/calibration",
        "measure/request_cost",
    ),
    *("prove/expect", "prove/instruction_sets", "prove/device_code/fatbin", "prove/device_code/offload_bundle"),
    *("reporters/exports", "reporters/html", "reporters/markdown"),
    *("registry/content", "registry/location"),
    *("publish/attestations", "publish/candidates", "publish/channel", "publish/debian_version", "publish/destination"),
    *("publish/facts", "publish/gates", "publish/hardware", "publish/index", "publish/plan"),
    *("publish/retention", "publish/rollback", "publish/spdx", "publish/state", "publish/steps"),
    *("pipeline/expectations", "suite/gpu_compat", "suite/verdicts"),
)
"""Rooms, folders and modules where the same input gives the same output: no engine, network, clock, environment,
temporary folder or chance. Files that an argument names, and those of the package, may be read."""

ACTING = frozenset(
    {
        "asyncio",
        "getpass",
        "http",
        "multiprocessing",
        "os",
        "platform",
        "pwd",
        "python_on_whales",
        "random",
        "requests",
        "secrets",
        "select",
        "shutil",
        "signal",
        "socket",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib3",
    }
)
"""Modules of others that act, or that see more than their arguments."""
ACTING_ROOMS = frozenset({"system", "machine", "engine", "supply", "bake", "probes", "suite", "pipeline", "commands"})
SEEING = frozenset({"now", "utcnow", "today", "getenv", "environ", "cwd", "home", "expanduser", "uuid1", "uuid4"})
"""Functions and values that depend on the moment, the user or the folder."""
WRITING = frozenset({"mkdir", "touch", "unlink", "write_bytes", "write_text"})

INSIDE = (
    ("engine/embedded", ("engine/connect", "engine/compose")),
    ("reporters/exports", ("reporters/registry",)),
    ("reporters/html", ("reporters/registry",)),
    ("planning/render", ("planning/planner", "planning/packages")),
    ("lint/relations", ()),
    ("servers/llama_cpp/lint/relations", ("servers/llama_cpp/lint/check_dockerfile",)),
)
"""Parts of large packages, and the modules of the same package that may use them. Other packages may, too."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def room_of(module: str) -> str:
    """The room of a module without `.py`: the longest name that it is under."""
    return max((name for name in LEVEL if is_under(module, [name])), key=len, default="")


def test_every_room_has_a_layer() -> None:
    names = set(modules()) - {"__init__", ""}
    assert not [name for name in names if not room_of(name)]
    assert set(LEVEL) == {room_of(name) for name in names}


def test_imports_point_down() -> None:
    wrong = []
    for name, tree in modules().items():
        room = room_of(name)
        for target in imported(tree):
            other = room_of(target.removeprefix("bakehouse/")) if target.startswith("bakehouse/") else ""
            if other and room and (LEVEL[other] > LEVEL[room] or (other != room and LEVEL[other] == LEVEL[room])):
                wrong.append(f"{name} imports {target}")
    assert not wrong


def test_no_two_modules_need_each_other() -> None:
    """Directly or through others, imports for the type checker alone included."""
    needs = {
        name: {one.removeprefix("bakehouse/") for one in imported(tree)} & set(modules())
        for name, tree in modules().items()
    }
    while leaves := {name for name, needed in needs.items() if not needed & needs.keys()}:
        needs = {name: needed for name, needed in needs.items() if name not in leaves}
    assert not needs


def is_under(module: str, names: Iterable[str]) -> bool:
    """Whether a module is one of these, or in one of these folders."""
    return any(module == name or module.startswith(f"{name}/") for name in names)


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Every module by its path without `.py`."""
    found = {str(path.relative_to(SOURCE))[:-3]: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
    return {name.removesuffix("/__init__"): tree for name, tree in found.items()}


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of modules, and of what is imported from packages of ours: `bakehouse/machine/nvidia`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(".", "/") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = node.module.replace(".", "/")
            is_package = (SOURCE.parent / module).is_dir()
            yield from (f"{module}/{alias.name}" if is_package else module for alias in node.names)


def acts(tree: ast.Module) -> Iterator[str]:
    """What a pure module may not do."""
    for name in imported(tree):
        first, _, rest = name.partition("/")
        if first in ACTING or (
            first == "bakehouse" and rest.partition("/")[0] in ACTING_ROOMS and not is_under(rest, PURE)
        ):
            yield f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SEEING | WRITING:
            yield f"uses .{node.attr} in line {node.lineno}"
        if isinstance(node, ast.Call) and not node.args and ast.unparse(node.func).endswith("default_rng"):
            yield f"draws without a seed in line {node.lineno}"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "print", "input")
        ):
            yield f"calls {node.func.id} in line {node.lineno}"


def test_pure_modules_do_not_act() -> None:
    wrong = [f"{name} {what}" for name, tree in modules().items() if is_under(name, PURE) for what in acts(tree)]
    assert not wrong


def test_every_pure_name_is_a_module_or_a_folder() -> None:
    assert not [name for name in PURE if not any(is_under(module, [name]) for module in modules())]


def test_modules_that_say_pure_are_held_to_it() -> None:
    says = re.compile(r"\bPure\b(?! Python)")
    unheld = [
        name
        for name, tree in modules().items()
        if says.search(ast.get_docstring(tree) or "") and not is_under(name, PURE)
    ]
    assert not unheld, "add them to PURE, or do not say it"


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "import os.path",
        "from tempfile import mkdtemp",
        "from secrets import token_hex",
        "from datetime import UTC, datetime\nx = datetime.now(UTC)",
        "from bakehouse.system import process",
        "from bakehouse.machine import detect",
        "from pathlib import Path\nx = Path.home()",
        "import numpy as np\nx = np.random.default_rng()",
        "open('x')",
    ],
)
def test_the_guard_sees(text: str) -> None:
    assert list(acts(ast.parse(text)))


def test_parts_of_large_packages_are_used_by_their_doors_alone() -> None:
    """Inside its package; and a part does not use the modules that use it."""
    wrong = []
    for name, tree in modules().items():
        for part, doors in INSIDE:
            package = part.partition("/")[0]
            used = {target.removeprefix("bakehouse/") for target in imported(tree) if target.startswith("bakehouse/")}
            if is_under(name, [part]):
                wrong += [f"{name} imports {one}" for one in used if is_under(one, doors)]
            elif is_under(name, [package]) and not is_under(name, doors) and name != package:
                wrong += [f"{name} imports {one}" for one in used if is_under(one, [part])]
    assert not wrong


def test_a_run_reads_as_a_list_of_steps() -> None:
    """What `build-matrix` does stands in pipeline/; the command names the steps."""
    tree = modules()["commands/build_matrix"]
    assert len({name for name in imported(tree) if name.startswith("bakehouse/")}) <= 12


def test_doors_are_narrow() -> None:
    """One module runs programs, one talks to the engine."""
    doors = {"subprocess": "system/process.py", "python_on_whales": "engine/docker.py"}
    for library, door in doors.items():
        users = {
            str(path.relative_to(SOURCE))
            for path in SOURCE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == library for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == library)
        }
        assert users <= {door}, f"{library} is imported by {users}"


EACH_VERB_HAS_ITS_OWN = frozenset({"Options"})
"""Of commands, whose module says of which: `plan.Options`."""


def test_no_two_classes_that_other_modules_use_have_one_name() -> None:
    """A reader who meets a name in an import knows which of them it is."""
    used = {
        (target.module.replace(".", "/"), alias.name)
        for tree in modules().values()
        for target in ast.walk(tree)
        if isinstance(target, ast.ImportFrom) and target.module
        for alias in target.names
    }
    homes: dict[str, list[str]] = {}
    for module, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and (f"bakehouse/{module}", node.name) in used:
                homes.setdefault(node.name, []).append(module)
    shared = {name: where for name, where in homes.items() if len(where) > 1}
    assert not shared.keys() - EACH_VERB_HAS_ITS_OWN, shared
