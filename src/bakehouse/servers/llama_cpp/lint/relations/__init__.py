"""The same for what only builds of llama.cpp need."""
