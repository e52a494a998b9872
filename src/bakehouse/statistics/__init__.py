"""Whether a change of speed is real: intervals, tests, change points and verdicts. Pure; docs/comparing.md explains."""
