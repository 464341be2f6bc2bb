"""The runs that ship with the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from metaart.errors import UserError


def shipped_run(art: str = "music") -> Path:
    """The run directory that ships with the package.

    Raises:
        UserError: this installation has none.
    """
    folder = _shipped(art)
    if not ships(art):
        raise UserError(
            expected=f"the {art} model that ships with metaart",
            got=f"an installation without {folder}",
            fix=f"Train a run with `metaart train {art} --out runs/{art}` and give it as --run (service: {art}=DIR).",
        )
    return folder


def run_folder(run: Path | str | None, art: str) -> Path:
    """The folder of a run; that of the one that ships with the package for None."""
    return shipped_run(art) if run is None else Path(run)


def ships(art: str) -> bool:
    """Whether a run of this art ships with the package."""
    return (_shipped(art) / "config.json").is_file()


def _shipped(art: str) -> Path:
    return Path(str(resources.files("metaart"))) / "models" / art
