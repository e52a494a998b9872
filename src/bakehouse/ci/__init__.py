"""Workflows of CI systems, rendered from the matrix."""
