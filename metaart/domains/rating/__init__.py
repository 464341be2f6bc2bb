"""Rating: what is learned of a curator's scores."""
