"""Text embeddings: a sentence transformer in ONNX behind OpenAI's `/v1/embeddings`."""

__version__ = "1.0.0"
