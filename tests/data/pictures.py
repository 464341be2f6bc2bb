"""Pictures to prepare, in every layout that a source reads."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from metaart.formats.pictures.read import Pixels, write_png
from tests.formats.pictures.archives import resource_archive

ARTISTS = ("Anna", "Bruno", "Çelik", "Dora", "Emil", "Fatma")


def painting(artist: int, number: int, height: int = 24, width: int = 32) -> Pixels:
    """Stripes in the colours of an artist; each number is another picture."""
    random = np.random.default_rng([artist, number])
    rows, columns = np.mgrid[0:height, 0:width]
    stripes = ((rows * (1 + number) + columns * (1 + artist)) // 5 % 2)[..., None]
    colours = np.array([[30 * artist, 200 - 30 * artist, 90], [220, 40 * artist, 250 - 20 * artist]])
    return np.clip(colours[0] * stripes + colours[1] * (1 - stripes) + random.integers(-9, 9, 3), 0, 255).astype(
        np.uint8
    )


def picture_folder(folder: Path, works: int = 4) -> Path:
    """DIR/artist/*.png and a JPEG and a WebP of each, six artists."""
    for number, artist in enumerate(ARTISTS):
        (folder / artist).mkdir(parents=True)
        for index in range(works):
            image = Image.fromarray(painting(number, index))
            suffix = ("png", "jpg", "webp")[index % 3]
            image.save(folder / artist / f"{index:02d}.{suffix}", quality=95)
    return folder


def picture_table(path: Path, *, label: str = "artist", numbered: bool = True, works: int = 4) -> Path:
    """A Parquet file as the `datasets` library writes it: rows of all artists in turn, three row groups."""
    rows = [
        {
            "image": {"bytes": write_png(painting(number, index)), "path": f"{number}-{index}.png"},
            label: number if numbered else artist,
        }
        for index in range(works)
        for number, artist in enumerate(ARTISTS)
    ]
    feature = {"names": list(ARTISTS), "_type": "ClassLabel"} if numbered else {"dtype": "string", "_type": "Value"}
    about = {"info": {"features": {"image": {"_type": "Image"}, label: feature}}}
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": json.dumps(about)})
    pq.write_table(table, path, row_group_size=len(rows) // 3)
    return path


def gcompris_folder(folder: Path) -> Path:
    """The archives that the sources of GCompris read: two jigsaws, two paintings and photographs with credits."""
    folder.mkdir(parents=True)
    root = "/gcompris/src/activities"
    files: dict[str, dict[str, bytes]] = {}
    paintings = files.setdefault("paintings", {})
    for number, words in enumerate(("Bazille, One - 1867", "Anna, Two")):
        whole, pieces = painting(number, 0, 60, 80), []
        for index, (top, left) in enumerate(((0, 0), (0, 40), (30, 0), (30, 40))):
            name = f"p{number}_{index}.webp"
            paintings[f"{root}/paintings/resource/image/{name}"] = _webp(whole[top : top + 30, left : left + 40])
            x, y = (20 + left + 20) / 200, (10 + top + 15) / 100
            pieces.append(f'{{ "pixmapfile" : "image/{name}", "x" : "{x}", "y" : "{y}" }}')
        board = (
            f'QtObject {{ property string instruction: qsTr("{words}")\n property var levels : [ {{ "pixmapfile" : '
            f'"image/bg.svg", "width": 200, "height": 100 }}, {", ".join(pieces)} ] }}'
        )
        paintings[f"{root}/paintings/resource/board/board{number}_0.qml"] = board.encode()
    names = "\n".join(f"  p{number}_{index}.webp" for number in range(2) for index in range(4))
    paintings[f"{root}/paintings/resource/image/README"] = (
        f"Copyright:\n  Copyright 1994 Somebody\nLicense: GPLv3 or later\nFiles:\n{names}\n".encode()
    )
    details = files.setdefault("details", {})
    for name, words, kind in (
        ("Church", "Vincent Van Gogh, The Church - 1890", "painting by Van Gogh, Public domain image."),
        ("Castle", "A castle", "photo by Cara, license CC-BY-SA 3.0, source at a place"),
    ):
        details[f"{root}/details/resource/image/{name}_background.webp"] = _webp(painting(3, 50 + len(name)))
        details[f"{root}/details/resource/image/{name}_0.webp"] = _webp(painting(4, 50 + len(name)))
        board = f'instruction: qsTr("{words}") "image/{name}_background.webp" "image/{name}_0.webp"'
        details[f"{root}/details/resource/board/{name}.qml"] = board.encode()
        based = "an original " if "painting" in kind else "a "
        licence = "Public domain" if "painting" in kind else "CC-BY-SA 4.0"
        readme = f"Copyright: 2000, 2008 Bruno\nLicense: {licence}\nFiles:\n{name}_background.webp\n"
        path = f"{root}/details/resource/image/README"
        details[path] = details.get(path, b"") + f"{readme}Comment: based on {based}{kind}\n\n".encode()
    for number, name in enumerate(("explore_monuments", "explore_farm_animals", "explore_world_animals",
                                   "explore_world_music", "erase")):  # fmt: skip
        inside = files.setdefault(name, {})
        for index in range(5):
            inside[f"{root}/{name}/resource/some/pic{number}{index}.webp"] = _webp(painting(number, 10 + index))
        inside[f"{root}/{name}/resource/some/uncredited.webp"] = _webp(painting(number, 30))
        named = "\n".join(f"pic{number}{index}.webp" for index in range(5))
        inside[f"{root}/{name}/README"] = f"Copyright: Ada {number}\nLicense: CC0-1.0\nFiles:\n{named}\n".encode()
    for name, content in files.items():
        (folder / f"{name}.rcc").write_bytes(resource_archive(content, packing="zlib"))
    return folder


def openclipart_folder(folder: Path) -> Path:
    """Drawings with authors: four with ten or more in several spellings, and what is left out."""
    for number, artist in enumerate(("Zoë Ångström", "Brown, Bob", "Cy [cy@example.org]", "Di")):
        for index in range(11):
            spelled = {0: artist, 1: artist.upper()}.get(index % 5, artist) if number < 2 else artist
            _clip(folder / "animals" / f"{number}-{index}.svg", spelled, 11 * number + index)
    _clip(folder / "animals" / "rare.svg", "Rare", 200)
    _clip(folder / "logos" / "logo.svg", "Di", 201)
    _clip(folder / "animals" / "nobody.svg", "", 202)
    _clip(folder / "animals" / "gpl.svg", "Di", 203, "http://creativecommons.org/licenses/GPL/2.0/")
    (folder / "animals" / "0-4.svg").write_text("<svg")
    return folder


def _clip(path: Path, author: str, number: int, licence: str = "http://web.resource.org/cc/PublicDomain") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = f'<path d="M2 3h{20 + number % 13}v{9 + number % 11}H{number % 17}z" fill="#0{number % 10}c"/>'
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:cc="http://web.resource.org/cc/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><metadata>'
        f"<cc:Work><dc:title>Drawing {number}</dc:title><dc:creator>\n<cc:Agent><dc:title>{author}</dc:title>"
        f'</cc:Agent></dc:creator><cc:license rdf:resource="{licence}"/></cc:Work></metadata>{shape}</svg>'
    )


def _webp(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="WEBP", lossless=True)
    return buffer.getvalue()
