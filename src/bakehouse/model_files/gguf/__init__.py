"""What a GGUF file says of a model, read from its header: no weights are touched."""
