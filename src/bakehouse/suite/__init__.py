"""The image suite: a pytest plugin, its fixtures, and how it is started."""
