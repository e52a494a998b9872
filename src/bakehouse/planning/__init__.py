"""Cells from axes and recipes, which of them are meant, and the plan that builds them. Pure."""
