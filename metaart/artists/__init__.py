"""Artists as values: a run adapted to works, kept in a file, stacked, blended; and the seam of what an art offers."""
