"""What the machine we run on can run: its platform, its processor, and its cards with what keeps one from being used.

The bus says which cards there are; the vendors' libraries, where they are installed, say more of each. Nothing here
raises: a missing or broken library is normal.
"""

from bakehouse.machine.detect import Libraries, detect, load_libraries
from bakehouse.model.machine import Card, Machine

__all__ = ["Card", "Libraries", "Machine", "detect", "load_libraries"]
