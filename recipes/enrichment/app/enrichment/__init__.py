"""A zoo of small models behind one service: loaded when somebody asks, put away when memory runs out."""

__version__ = "1.0.0"
