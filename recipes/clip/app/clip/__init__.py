"""Pictures and texts as vectors of one space: CLIP as ONNX."""

__version__ = "1.0.0"
