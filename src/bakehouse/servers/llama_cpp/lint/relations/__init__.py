"""Rules that hold stages of a Dockerfile of llama.cpp against each other, and against what its backends need."""
