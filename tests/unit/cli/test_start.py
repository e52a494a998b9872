from __future__ import annotations

import sys

from bakehouse.system import process


def test_help_loads_no_library_that_takes_longer_than_printing_it() -> None:
    done = process.run([sys.executable, "-X", "importtime", "-m", "bakehouse", "--help"])
    assert "build-matrix" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "bakehouse.cli.parser" in loaded
    assert not {"pydantic", "jinja2", "yaml", "requests", "python_on_whales"} & loaded
