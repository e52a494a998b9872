"""YAML to models, with errors that name file, line and key."""
