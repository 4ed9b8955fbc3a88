"""Sorting: scan, predict, decide, file. Never imports learning; the two meet in the bundle."""
