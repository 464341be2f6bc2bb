"""Critique: judge, evaluate."""
