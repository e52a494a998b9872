"""Rendered files on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.bake.executor import write_bake_files
from bakehouse.errors import InputError


def test_a_file_where_a_folder_should_be_is_a_wrong_input(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below"):
        with pytest.raises(InputError, match="is no folder"):
            write_bake_files(folder, dockerfiles={}, bake={})
