"""How critique and rating look at pictures."""
