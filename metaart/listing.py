"""What there is: the arts, and for each its recipes, sources and algorithms."""

from __future__ import annotations

from metaart.algorithms import ALGORITHMS
from metaart.arts import ARTS
from metaart.data import SOURCES
from metaart.domains import DOMAINS, art_of
from metaart.recipes import RECIPES


def listing() -> str:
    """A paragraph for each art form, out of the registries."""
    recipes = {name: (art_of(make().domain), (make.__doc__ or "").splitlines()[0]) for name, make in RECIPES.items()}
    paragraphs = []
    for art, entry in DOMAINS.items():
        domain = entry.build(entry.config())
        about = f"{art.capitalize()}: {ARTS[art].about}."
        own = [f"{name}: {words}" for name, (of, words) in recipes.items() if of == art]
        sources = [f"{kind} ({', '.join(SOURCES[kind])})" for kind in entry.works] or ["none: its works are made up"]
        algorithms = [name for name, algorithm in ALGORITHMS.items() if algorithm.fits(domain.head)]
        lines = [about]
        lines += [f"  {'recipes' if index == 0 else '':11} {words}" for index, words in enumerate(own)]
        lines += [f"  {'sources':11} {'; '.join(sources)}", f"  {'algorithms':11} {', '.join(algorithms)}"]
        names = dict.fromkeys(use.commands[0] for use in ARTS[art].uses if use.commands[0] == art)
        lines += [f"  {'command':11} metaart create {name}" for name in names]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)
