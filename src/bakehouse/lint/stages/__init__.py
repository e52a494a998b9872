"""What each stage of a Dockerfile holds: its base image, packages, files, variables, working folder and command."""
