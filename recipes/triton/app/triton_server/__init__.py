"""Triton's server and its Python backend, out of the wheel of pytriton."""
