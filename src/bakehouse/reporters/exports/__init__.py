"""A run in the formats of others, in the folder `exports/`. docs/comparing.md says what each of them loses."""
