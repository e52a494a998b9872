"""Linters of families of servers: a line for each family whose options are known."""

from __future__ import annotations

from bakehouse.lint.linter import Linter
from bakehouse.model.serving import ServerName
from bakehouse.servers.llama_cpp.lint.linter import LlamaLinter

LINTERS: dict[ServerName, Linter] = {"llama.cpp": LlamaLinter()}
