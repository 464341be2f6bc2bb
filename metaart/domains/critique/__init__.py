"""Critique: what is learned of whose hand a picture is."""
