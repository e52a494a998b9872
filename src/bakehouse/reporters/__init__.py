"""Draw a run: one `RunReport` in, one file out for each reporter."""

from bakehouse.reporters.json_file import read
from bakehouse.reporters.latest import find_latest, update_latest
from bakehouse.reporters.registry import REPORTERS, Reporter, write_all
from bakehouse.reporters.terminal import show

__all__ = ["REPORTERS", "Reporter", "find_latest", "read", "show", "update_latest", "write_all"]
