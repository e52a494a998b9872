"""An OpenAI-compatible gateway: Shepherd Model Gateway (smg), told by variables, closed unless one opens it."""

__version__ = "1.0.0"
