"""Models of TensorFlow.js (graph models) as ONNX, without TensorFlow: a reader, the operators, a writer.

The same model gives the same bytes, so what comes out has a sha256 that can be pinned.
"""
