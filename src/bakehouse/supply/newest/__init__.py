"""What is newer than what the matrix names: the places that serve it are asked. Nothing is changed here."""
