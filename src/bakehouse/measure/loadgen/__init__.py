"""A load on a server, and when each byte of its answers came."""
