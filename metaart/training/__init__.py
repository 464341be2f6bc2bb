"""Training: the loop, the outer step, checkpoints, the journal."""
