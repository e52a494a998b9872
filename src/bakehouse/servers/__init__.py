"""Families of servers: how each is started, what it can be asked without a model, and which API measures it. Pure."""

from bakehouse.servers.families import REFERENCE, REFERENCE_TOOLS, SERVERS
from bakehouse.servers.server import ServerFamily

__all__ = ["REFERENCE", "REFERENCE_TOOLS", "SERVERS", "ServerFamily"]
