"""How well a run does on hands that it has never met, and what else one could do instead."""
