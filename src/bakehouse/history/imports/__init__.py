"""Results of other programs, as rows of the history. Their client is named in the terms, so that they are compared
with results of the same program only. docs/comparing.md says what of each file is taken.
"""

from bakehouse.history.imports.registry import FORMATS, read

__all__ = ["FORMATS", "read"]
