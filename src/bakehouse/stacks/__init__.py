"""Images that run together: the checked plan of a stack, and what is rendered from it. Pure, but for reading files."""
