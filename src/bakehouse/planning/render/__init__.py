"""Cells to text. Pure: the same cells and supplies give the same bytes."""
