"""Whether a change is real: intervals, rank tests, changes in a series."""
