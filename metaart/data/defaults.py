"""What is usual where nobody says otherwise."""

from __future__ import annotations

SIDE_PX, DRAWING_SIDE_PX = 512, 64
"""Longest side of pictures that are kept, and of drawings."""

PER_SET = 300
"""Works of one set of drawings: the first of the subjects that most sets draw."""
