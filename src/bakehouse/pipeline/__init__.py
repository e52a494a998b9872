"""A run: what its steps share, and the steps themselves."""
