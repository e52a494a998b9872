"""An image at rest: archive, layers, files, ELF."""
