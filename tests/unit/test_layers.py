"""Imports point one way: a module imports from its own room or from lower layers, never from above or beside."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/bakehouse"

LAYERS = (
    ("errors",),
    ("system", "model"),
    ("formatting", "stats", "gguf"),
    ("accelerators", "machine", "servers"),
    ("config",),
    ("history",),
    ("planning",),
    ("lint", "engine"),
    ("loadgen", "supply", "prove", "reporters"),
    ("measure",),
    ("probes", "bake"),
    ("suite",),
    ("pipeline",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""Lowest first. Packages and top-level modules of `bakehouse`."""

PURE = ("errors", "model", "formatting", "stats", "accelerators", "servers", "planning")
"""The same input gives the same output: no engine, no network, no clock."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def imports(path: Path) -> set[str]:
    """First part below `bakehouse` of everything a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bakehouse."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "bakehouse":
            found |= {alias.name for alias in node.names if alias.name in LEVEL}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("bakehouse.")}
    return found


def rooms() -> dict[str, list[Path]]:
    """Each package or top-level module and its files."""
    found: dict[str, list[Path]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).parts
        found.setdefault(parts[0].removesuffix(".py"), []).append(path)
    found.pop("__init__")
    return found


def test_every_room_has_a_layer() -> None:
    assert set(rooms()) == set(LEVEL)


def test_imports_point_down() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} imports {target}"
        for room, files in rooms().items()
        for path in files
        for target in imports(path)
        if LEVEL[target] > LEVEL[room] or (target != room and LEVEL[target] == LEVEL[room])
    ]
    assert not wrong


def test_pure_rooms_import_nothing_that_acts() -> None:
    acting = {"requests", "time", "random", "subprocess", "socket", "python_on_whales", "threading"}
    wrong = []
    for room in PURE:
        for path in rooms()[room]:
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                wrong += [
                    f"{path.relative_to(SOURCE)} imports {name}" for name in names if name.split(".")[0] in acting
                ]
    assert not wrong


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
