"""Servers beside the families: what their published images start, where they listen, what they need."""
