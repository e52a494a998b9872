"""Rules about the stages of a Dockerfile that only builds of llama.cpp need."""
