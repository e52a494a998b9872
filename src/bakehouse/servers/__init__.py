"""Families of servers: how each is started, what it can be asked without a model, and which API measures it. Pure."""

from bakehouse.servers.families import SERVERS
from bakehouse.servers.server import Server

__all__ = ["SERVERS", "Server"]
