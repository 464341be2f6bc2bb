"""Ray Tune: the search for alpha and friends."""
