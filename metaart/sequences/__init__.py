"""Sequences of tokens, whatever they say: how they are cut, how likely they are, how new ones are drawn."""
