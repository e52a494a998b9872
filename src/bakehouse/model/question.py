"""A question that shows whether a model computes the right thing, and what its answer must hold."""

from __future__ import annotations

import re

from pydantic import field_validator, model_validator

from bakehouse.model.field_types import Count, Model, Text

MESSAGE = "{message}"
"""Where a template wants the message."""


class Question(Model):
    """Something whose greedy answer is known. It belongs to a model: another one may say something else."""

    prompt: Text | None = None
    """Text that the model continues."""
    message: Text | None = None
    """What a user says in a chat."""
    template: Text | None = None
    """Text around `{message}`, where the file's own chat template is missing or wrong."""
    expect: tuple[Text, ...] = ()
    """Words of which the answer must contain one; case does not matter."""
    matches: Text | None = None
    """A regular expression that must be found in the answer."""
    max_tokens: Count = 16
    """Tokens that the answer may take. A model that thinks first needs more."""

    @field_validator("matches")
    @classmethod
    def _can_be_searched(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Question:
        if (self.prompt is None) == (self.message is None):
            raise ValueError("needs a prompt (text to continue) or a message (of a chat), one of the two")
        if self.template is not None and (self.message is None or MESSAGE not in self.template):
            raise ValueError(f"a template needs a message, and {MESSAGE} where it goes")
        if not self.expect and self.matches is None:
            raise ValueError("needs expect (a word or several) or matches (a regular expression)")
        return self

    @property
    def text(self) -> str | None:
        """What is sent as it is, to be continued; None: the server's own chat template puts it into words."""
        if self.template is not None:
            return self.template.replace(MESSAGE, self.message or "")
        return self.prompt

    @property
    def asked(self) -> str:
        """For people."""
        return self.message or self.prompt or ""

    @property
    def wanted(self) -> str:
        """For people: `'Paris' or 'paree'`."""
        words = [repr(word) for word in self.expect]
        return " or ".join([*words, *([f"/{self.matches}/"] if self.matches else [])])

    def is_answered_by(self, said: str) -> bool:
        """Whether one of the words is in it, or the expression is found."""
        if self.matches is not None and re.search(self.matches, said):
            return True
        return any(word.casefold() in said.casefold() for word in self.expect)
