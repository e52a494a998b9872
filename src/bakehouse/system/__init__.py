"""The operating system: programs, signals, files written in one step, a browser."""
