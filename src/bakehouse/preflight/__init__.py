"""Before a server starts: whether a model's files are whole, and whether this machine can hold what is asked of it."""
