"""The narrow doors to the world: programs (`process`), the Docker engine (`docker`), the embedded engine (`local`)."""
