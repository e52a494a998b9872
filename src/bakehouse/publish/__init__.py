"""What passed goes out: by digest, signed, and tagged last; and comes back without a rebuild."""
