"""Cells from axes and recipes, which of them are chosen, and the plan that builds them. Pure."""
