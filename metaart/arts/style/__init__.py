"""Style: create, evaluate."""
