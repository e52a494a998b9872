"""Bake GPU inference images from one matrix, prove that each image runs, measure it, publish what passed."""

__version__ = "0.1.0"
