"""`python -m bakehouse.hosts VERB`: the agent."""

from __future__ import annotations

import sys

from bakehouse.hosts.agent import main
from bakehouse.system import signals

if __name__ == "__main__":
    with signals.heard():
        sys.exit(main(sys.argv[1:]))
