"""Prometheus, told by variables."""
