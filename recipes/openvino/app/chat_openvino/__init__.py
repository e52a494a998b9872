"""Chat and completions by OpenVINO GenAI: on processors, and on Intel's cards by its GPU plugin."""

__version__ = "1.0.0"
