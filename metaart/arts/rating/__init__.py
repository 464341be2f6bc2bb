"""Rating: judge, evaluate."""
