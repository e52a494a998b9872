"""Files of models: what their headers say, whether they are whole, and how one kind becomes another."""
