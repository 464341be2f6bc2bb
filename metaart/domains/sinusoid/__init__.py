"""Sinusoid: what is learned of sine waves."""
