"""Ray Serve: HTTP endpoints over adapted models."""
