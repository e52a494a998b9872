"""The command line: words in, the call of a command out."""
