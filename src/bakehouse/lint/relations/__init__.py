"""Rules that compare the stages of a Dockerfile with each other, and with what its builds need."""
