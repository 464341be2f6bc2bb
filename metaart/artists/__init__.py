"""From a few works to a new one: one file per art, and the creator that adapts a run for all of them."""
