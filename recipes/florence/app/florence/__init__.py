"""Captions, boxes and text of pictures: Florence-2 as ONNX."""

__version__ = "1.0.0"
