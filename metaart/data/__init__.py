"""Where works come from, how they are kept, and how tasks are drawn from them."""

from __future__ import annotations

from metaart.data import sources
from metaart.data.sources import DrawingOptions, FolderOptions, PackageOptions, PictureOptions
from metaart.data.sources import RegisteredSource as RegisteredSource
from metaart.options import NoOptions

_NPM = "Get the archive with: npm pack @iconify/json, then: metaart data prepare drawings --archive FILE"

SOURCES: dict[str, dict[str, RegisteredSource]] = {
    "music": {
        "corpus": RegisteredSource("the corpus of the music21 package", NoOptions, sources.corpus),
        "folder": RegisteredSource("your own: DIR/composer/*.mid", FolderOptions, sources.music_folder),
    },
    "drawings": {
        "iconify": RegisteredSource("what `npm pack @iconify/json` writes", DrawingOptions, sources.iconify, _NPM),
    },
    "pictures": {
        "folder": RegisteredSource("your own: DIR/artist/*.jpg", PictureOptions, sources.picture_folder),
        "parquet": RegisteredSource("image bytes and a column of labels", PictureOptions, sources.picture_table),
        "gcompris": RegisteredSource("paintings of gcompris-qt-data", PackageOptions, sources.gcompris_paintings),
        "openclipart": RegisteredSource("drawings of openclipart-svg", PackageOptions, sources.openclipart),
    },
    "photographs": {
        "gcompris": RegisteredSource("those of gcompris-qt-data", PackageOptions, sources.photographs_of_gcompris),
        "folder": RegisteredSource("your own: DIR/**/*.jpg", PictureOptions, sources.photographs_of_folder),
        "parquet": RegisteredSource("a column of image bytes", PictureOptions, sources.photographs_of_table),
    },
}
"""Sources by what is prepared, then by name, the usual one first; a new one is a file here, what may be set of it in
`sources.py`, and a line above."""
