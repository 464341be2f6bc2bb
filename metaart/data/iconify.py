"""Sets of vector drawings by named hands: the npm package @iconify/json, read from its archive as a stream."""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from metaart.data.base import Entry, Group, Rejected, Source
from metaart.data.defaults import DRAWING_SIDE_PX, PER_SET
from metaart.data.kinship import Shape, alike, families, houses, shape, split_families
from metaart.data.media.pictures import PictureMedium
from metaart.errors import UserError
from metaart.files import save_text
from metaart.formats.pictures.read import write_png
from metaart.formats.pictures.svg import on_square, rasterise

PERMISSIVE = {"Apache-2.0", "BSD-3-Clause", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT", "OFL-1.1", "Unlicense"}
"""SPDX names that ask for no more than to be named."""
SHARE_ALIKE = {"CC-BY-SA-3.0", "CC-BY-SA-4.0", "GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0", "GPL-3.0-only",
               "GPL-3.0-or-later", "LGPL-2.1", "LGPL-3.0", "MPL-2.0"}  # fmt: skip
"""Free too, but what is made from it may have to carry the same licence."""
BRANDS = {"academicons", "catppuccin", "devicon", "devicon-line", "devicon-original", "devicon-plain", "fa-brands",
          "fa6-brands", "file-icons", "gcp", "k8s", "material-icon-theme", "skill-icons", "unjs",
          "vscode-icons"}  # fmt: skip
"""Sets of other people's trademarks that are not filed under logos."""

_MEMBER = re.compile(r"package/json/([a-z0-9-]{1,60})\.json")
_MAX_SET_BYTES = 256 * 2**20
_COMPARED = 40
_GET = "Get it with: npm pack @iconify/json"


@dataclass
class _Set:
    """A set of drawings: what is known of it, and of its drawings the names or those that were chosen."""

    prefix: str
    name: str
    author: str
    licence: str
    palette: bool
    houses: set[str]
    subjects: dict[str, str] = field(default_factory=dict)
    drawings: dict[str, str] = field(default_factory=dict)


class _Catalogue(NamedTuple):
    """What an archive holds: sets and groups by prefix, and the sets that are not used."""

    sets: dict[str, _Set]
    groups: dict[str, Group]
    left_out: list[Rejected]


class IconifySource(Source):
    """Icon and emoji sets; each is a group, and its hand an author or a house.

    A set gives at most one drawing of a subject (its name without what the set lists as variants, such as `-outline`:
    the shortest name), and at most `per_set`, those first that most sets draw, so that hands are compared on the same
    things. Left out with their reasons: sets without a free licence, brand logos, sets drawn by their animation.

    Splits: near-identical sets never straddle them. Sets are of one family where they share a house (first word of the
    prefix, author or owner of the repository: `houses`) or where the pixels of what both draw are alike (`alike`, on
    the 40 most shared subjects of each set at 48 px). Families are split by `split_families`, colour and monochrome
    apart.

    Args:
        path: the archive that `npm pack @iconify/json` writes.
        per_set: most works of a set.
        side: of the square pictures, px.

    Raises:
        UserError: not such an archive.
    """

    name = "iconify"
    min_works = 20

    def __init__(self, path: Path | str, per_set: int = PER_SET, side: int = DRAWING_SIDE_PX) -> None:
        self.path, self.per_set, self.side = Path(path), per_set, side
        self.medium = PictureMedium(side)
        if not self.path.is_file():
            raise UserError(expected="the archive of the npm package @iconify/json", got=str(path), fix=_GET)

    def __getstate__(self) -> dict[str, Any]:
        """Without the catalogue: to read a work no more than its entry is needed."""
        return {key: value for key, value in self.__dict__.items() if key != "_catalogue"}

    def groups(self) -> list[Group]:
        """One group per set that is used, by prefix."""
        return list(self._catalogue.groups.values())

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The drawings of a set, the most shared subjects first; sets that are left out come with the first group."""
        sets, groups, left_out = self._catalogue
        found: list[Entry | Rejected] = []
        if groups and group == next(iter(groups)):
            found += left_out
        if group in groups:
            icons = sets[group]
            found += [self._entry(icons, subject, drawing) for subject, drawing in icons.drawings.items()]
        return found

    def read(self, entry: Entry) -> bytes:
        """The drawing on a white square, as PNG."""
        pixels = rasterise(entry.content.encode(), self.side, name=entry.work_id)
        return write_png(on_square(pixels, self.side))

    def _entry(self, icons: _Set, subject: str, drawing: str) -> Entry:
        return Entry(
            group=icons.prefix,
            work_id=f"{icons.prefix}:{icons.subjects[subject]}",
            title=icons.subjects[subject],
            source=f"@iconify/json, {icons.name}",
            licence=icons.licence,
            permissive=icons.licence in PERMISSIVE,
            content=drawing,
            author=icons.author,
            subject=subject,
        )

    @cached_property
    def _catalogue(self) -> _Catalogue:
        """The archive is read twice: for the names, then for the drawings chosen."""
        sets: dict[str, _Set] = {}
        left_out: list[Rejected] = []
        for content in self._contents():
            icons = _about(content)
            why = _why_not(icons, content["info"])
            if why:
                left_out.append(Rejected(icons.prefix, why))
            else:
                icons.subjects = _subjects(content)
                sets[icons.prefix] = icons
        # Hands are compared on the same things, so what most sets draw comes first and names only break ties.
        popularity = Counter(subject for icons in sets.values() for subject in icons.subjects)
        for content in self._contents():
            if content["prefix"] in sets:
                icons = sets[content["prefix"]]
                subjects = sorted(icons.subjects, key=lambda subject: (-popularity[subject], subject))[: self.per_set]
                icons.drawings = {subject: _drawing(content, icons.subjects[subject]) for subject in subjects}
        sets = dict(sorted(sets.items()))
        family = families({name: icons.houses for name, icons in sets.items()}, self._alike(sets))
        splits = split_families(family, {name: "mono" if not sets[name].palette else "colour" for name in sets})
        groups = {name: Group(name, family[name], splits[family[name]]) for name in sets}
        return _Catalogue(sets, groups, left_out)

    def _contents(self) -> Iterator[dict[str, Any]]:
        """Each set of the archive, one in memory at a time."""
        try:
            with tarfile.open(self.path, "r|gz") as archive:
                for member in archive:
                    matched = _MEMBER.fullmatch(member.name)
                    file = archive.extractfile(member) if matched and member.isfile() else None
                    if matched and file is not None:
                        yield _content(file, matched[1], member.size)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise UserError(
                expected="a whole archive of the npm package @iconify/json", got=f"{self.path} ({error})", fix=_GET
            ) from error

    def _alike(self, sets: dict[str, _Set]) -> list[tuple[str, str]]:
        """Pairs of sets whose drawings are alike; what was measured is kept, where there is a cache for it."""
        compared = {name: list(icons.drawings.items())[:_COMPARED] for name, icons in sets.items()}
        # The pixels depend on the drawings and on what draws them; either one new, and the sets are compared again.
        digest = sha256(json.dumps([version("resvg-py"), compared]).encode()).hexdigest()[:24]
        cache = self.cache / f"alike-{digest}.json" if self.cache is not None else None
        if cache is not None and cache.exists():
            return [(one, other) for one, other in json.loads(cache.read_text(encoding="utf-8"))]
        shapes: dict[str, dict[str, Shape]] = {name: {} for name in compared}
        for name, drawings in compared.items():
            for subject, drawing in drawings:
                try:
                    found = shape(rasterise(drawing.encode(), 48))
                except UserError:
                    continue
                if found is not None:
                    shapes[name][subject] = found
        pairs = alike(shapes)
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            save_text(cache, json.dumps(pairs))
        return pairs


def _content(file: BinaryIO | Any, prefix: str, size: int) -> dict[str, Any]:
    bad = UserError(expected="a set of drawings as @iconify/json has it", got=f"{prefix}.json, another", fix=_GET)
    if size > _MAX_SET_BYTES:
        raise bad
    try:
        content = json.load(file)
    except ValueError as error:
        raise bad from error
    if not isinstance(content, dict) or not isinstance(content.get("icons"), dict) or content.get("prefix") != prefix:
        raise bad
    content.setdefault("info", {})
    return content


def _about(content: dict[str, Any]) -> _Set:
    info, prefix = content["info"], content["prefix"]
    author = info.get("author") or {}
    return _Set(
        prefix=prefix,
        name=str(info.get("name", prefix)),
        author=str(author.get("name", "")),
        licence=str((info.get("license") or {}).get("spdx") or "none stated"),
        palette=bool(info.get("palette")),
        houses=houses(prefix, str(author.get("name", "")), str(author.get("url", ""))),
    )


def _why_not(icons: _Set, info: dict[str, Any]) -> str:
    if icons.licence not in PERMISSIVE | SHARE_ALIKE:
        return f"no free licence: {icons.licence}"
    if info.get("category") == "Logos" or icons.prefix in BRANDS:
        return "logos of brands"
    if "Contains Animations" in info.get("tags", []):
        return "drawn by its animation"
    return ""


def _subjects(content: dict[str, Any]) -> dict[str, str]:
    """The shortest name of each subject: names without the variants that the set itself lists."""
    # Longest first: of -outline-rounded and -rounded the whole of it is the variant.
    ends = [f"-{end}" for end in sorted(content.get("suffixes") or {}, key=len, reverse=True) if end]
    starts = [f"{start}-" for start in sorted(content.get("prefixes") or {}, key=len, reverse=True) if start]
    found: dict[str, str] = {}
    for name in sorted(content["icons"], key=lambda name: (len(name), name)):
        subject = name
        end = next((end for end in ends if name.endswith(end)), "")
        subject = subject.removesuffix(end)
        start = next((start for start in starts if subject.startswith(start)), "")
        found.setdefault(subject.removeprefix(start), name)
    return found


def _drawing(content: dict[str, Any], name: str) -> str:
    """One drawing as an SVG file."""
    icon = content["icons"][name]
    left, top, width, height = (
        icon.get(key, content.get(key, usual))
        for key, usual in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
    )
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {spaces} viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>'
