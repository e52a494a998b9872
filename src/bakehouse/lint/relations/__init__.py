"""Rules that hold the stages of a Dockerfile against each other, and against what its builds need."""
