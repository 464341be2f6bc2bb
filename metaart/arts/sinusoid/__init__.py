"""Sinusoid: nothing is offered of sine waves but the evaluation of most arts."""

from __future__ import annotations

from metaart.artists.art import Art

ART = Art(name="sinusoid", home=__name__, about="regression of sine waves, the quickest check of a set-up")
