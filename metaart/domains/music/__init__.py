"""Music: what is learned of scores."""
