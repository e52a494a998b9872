"""What was measured before, and what it may be compared with. Append-only; nothing here ever overwrites a line."""
