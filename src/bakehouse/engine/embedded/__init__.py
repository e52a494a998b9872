"""A private Docker engine where none answers: packages, daemon, bridge, leftovers."""
