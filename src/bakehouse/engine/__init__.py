"""The Docker engine: how it is reached, its containers and devices, and a private one if none answers (`embedded/`)."""
