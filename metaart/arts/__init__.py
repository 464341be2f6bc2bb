"""What is offered of every art, by name: a new one is a folder here and a line in `ARTS`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metaart.artists.art import Art
from metaart.arts.critique import ART as CRITIQUE
from metaart.arts.music import ART as MUSIC
from metaart.arts.rating import ART as RATING
from metaart.arts.sinusoid import ART as SINUSOID
from metaart.arts.style import ART as STYLE

if TYPE_CHECKING:
    from metaart.artists.run import Run

ARTS: dict[str, Art] = {
    "critique": CRITIQUE,
    "music": MUSIC,
    "rating": RATING,
    "sinusoid": SINUSOID,
    "style": STYLE,
}
"""By the name under which the domain is registered, which is also that of the recipe that trains such runs."""


def load(run: Path | str | None = None, art: str = "music") -> Run:
    """A run as a value.

    Args:
        run: the name of an art, for the run that ships with the package; or a run directory (`"./music"` or a `Path`
            where it is called like an art).
        art: whose shipped run, if `run` is left out.

    Raises:
        UserError: the run is missing or damaged, or none of this art ships.
    """
    from metaart.artists.run import Run
    from metaart.arts.shipped import run_folder
    from metaart.domains import art_of
    from metaart.training.run import load_algorithm

    run, art = (None, run) if isinstance(run, str) and run in ARTS else (run, art)
    folder = run_folder(run, art)
    config, domain, algorithm = load_algorithm(folder)
    algorithm.requires_grad_(False)
    return Run(folder, config, domain, algorithm, ARTS[art_of(config.domain)], load)
