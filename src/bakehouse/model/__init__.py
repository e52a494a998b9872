"""Data types: what people write (`recipe`, `stack`), what we decide (`cell`, `plan`), what we record (`report`)."""
