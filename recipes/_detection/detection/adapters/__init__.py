"""Families of detectors: what each wants to be given, and what its outputs mean. One module each."""
