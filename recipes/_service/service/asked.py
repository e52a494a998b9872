"""What a client may say in JSON, where OpenAI's API is followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Said = Annotated[str, Field(min_length=1, max_length=10_000_000)]
"""Not empty, and no half characters: pydantic looks for them where a text has any bound."""


class Asked(BaseModel):
    """What is not named is ignored, as there; null stands for what is left out."""

    model_config = ConfigDict(strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value is not None}
