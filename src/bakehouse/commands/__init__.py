"""One module a verb. Each reads as a list of steps; the work is done elsewhere."""
