"""The nouns. `files` is what people write, `cell` and `plan` what we decide, `report` what we record."""
