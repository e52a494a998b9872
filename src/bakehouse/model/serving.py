"""How a server is told its model and its port, and which family of servers it belongs to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from bakehouse.model.field_types import EnvName, Model
from bakehouse.model.text_format import Format

LOADING_STATUS = 503
"""What most families answer while they load a model."""
STOP_STATUSES = (0, 143)
"""It ended by itself, or by SIGTERM: 128 + 15."""

ServerName = Literal["llama.cpp", "openai", "kserve-v2", "http"]
Argument = Annotated[str, Format(pattern=r"^-[A-Za-z0-9-]+$", longest=64, expected="an option like --port")]
"""An option of a command line: `--port`."""


class Told(Model):
    """How a server is told one thing: by a variable, by an argument with a value, or by either."""

    environment: EnvName | None = None
    argument: Argument | None = None
    folder: bool = False
    """Whether it is told the folder that the file lies in."""

    @model_validator(mode="after")
    def _one_way(self) -> Told:
        if not (self.environment or self.argument):
            raise ValueError("must say how: environment: NAME, or argument: --option")
        return self


class Start(Model):
    """How a server is started. What is left out is as its family of servers has it."""

    model: Told | None = None
    """The model's file; the folder with other files of the model is the file's own."""
    port: Told | None = None
