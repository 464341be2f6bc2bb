"""Style on pictures: what is minimised, and the classical way to minimise it."""
