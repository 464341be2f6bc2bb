"""What judging pictures is made of, whether a hand is asked for or a score."""

from __future__ import annotations

from metaart.artists.art import Extra
from metaart.formats.pictures import PICTURE

MAX_WORKS = 200
"""Examples of one judgement."""

HEAT_MAP = Extra("heat_map", PICTURE, "a map of where the evidence lies", "red speaks for the answer, blue against it")
"""What is drawn of a judgement, if asked."""
