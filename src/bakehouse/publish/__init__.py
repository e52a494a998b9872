"""Publishes what passed: by digest, signed, and tagged last. Rolls back without a rebuild."""
