"""The models of the zoo: what each is given, and what its outputs mean. One module for each kind."""
