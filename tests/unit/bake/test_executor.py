"""Rendered files on the disk."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bakehouse.bake.executor import ImageBuilder, Watcher, write_bake_files
from bakehouse.engine.connection import Engine
from bakehouse.errors import InputError
from bakehouse.model.cell import Cell


def test_a_file_where_a_folder_should_be_is_a_wrong_input(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below"):
        with pytest.raises(InputError, match="is no folder"):
            write_bake_files(folder, dockerfiles={}, bake={})


def test_a_builder_elsewhere_brings_the_cells_and_keeps_the_bases(tmp_path: Path) -> None:
    engine = Engine(kind="external", host=None, version="28", buildx="0.13", containerd_store=True)
    cells = [cast("Cell", SimpleNamespace(target=name)) for name in ("a-cpu", "a-cuda12_9")]

    def command(builder: str | None) -> str:
        made = ImageBuilder(
            engine=engine, builder=builder, root=tmp_path, folder=tmp_path, logs=tmp_path, watcher=cast("Watcher", None)
        )
        return " ".join(made._command(cells, tmp_path / "metadata.json"))

    assert "--builder" not in command(None)
    assert command("far").endswith(
        "--builder far --set a-cpu.output=type=docker --set a-cuda12_9.output=type=docker a-cpu a-cuda12_9"
    )
