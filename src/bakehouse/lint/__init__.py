"""Build options, server arguments and environment, checked against what the pinned source itself reads."""
