"""Object detection: pictures in, boxes in pixels out. NanoDet-plus, RT-DETRv2 and YOLO26 as ONNX."""

__version__ = "1.0.0"
