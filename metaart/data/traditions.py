"""The table of the corpus: collections, their rights, their traditions, and which split each tradition is in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metaart.data.base import Split

SPLITS: dict[str, Split] = {
    "China": "test",
    "Lorraine": "test",
    "Luxembourg": "test",
    "Trecento": "test",
    "Monteverdi": "test",
    "Bach": "validation",
    "American fiddle and fife": "validation",
    "Northumbria": "validation",
    "Europe outside Germany": "validation",
    "Ireland": "train",
    "Aird": "train",
    "Palestrina": "train",
    "Germany": "train",
    "Scotland": "train",
    "Josquin": "train",
    "String quartets": "train",
    "Other composers": "train",
}
"""Which split each tradition is in. A test hand has no near kin in training: Irish songs stay in training with
O'Neill's Irish dances, and all that names Lorraine or Luxembourg is kept out of the German books."""


@dataclass(frozen=True)
class Collection:
    """A folder of the corpus.

    Attributes:
        folder: below the corpus.
        label: the source as it is written in the data.
        licence: what its files or their readme say, where a file itself says nothing more.
        permissive: whether that leaves its use free.
    """

    folder: str
    label: str
    licence: str
    permissive: bool


_NO_TERMS = "public-domain music; the transcription states no terms"
COLLECTIONS = (
    Collection("essenFolksong", "Essen folk songs", "non-commercial, legal status unclear", False),
    Collection("oneills1850", "O'Neill's Music of Ireland", _NO_TERMS, True),
    Collection("airdsAirs", "Aird's Airs", _NO_TERMS, True),
    Collection("ryansMammoth", "Ryan's Mammoth Collection", _NO_TERMS, True),
    Collection("miscFolk", "Fife tunes and Northumbrian Minstrelsy", _NO_TERMS, True),
    Collection("palestrina", "Palestrina masses", "copyright John Miller 2000, all rights reserved", False),
    Collection("josquin", "Josquin by Laura Conrad", "GPL-2.0-or-later", False),
    Collection("bach", "Bach chorales", "copyright Margaret Greentree, used by permission", False),
    Collection("trecento", "Trecento", _NO_TERMS, True),
    Collection("monteverdi", "Monteverdi madrigals", _NO_TERMS, True),
    Collection("beethoven", "Beethoven quartets", _NO_TERMS, True),
    Collection("haydn", "Haydn quartets", _NO_TERMS, True),
    Collection("mozart", "Mozart", _NO_TERMS, True),
    Collection("schumann_robert", "Robert Schumann", _NO_TERMS, True),
    Collection("schumann_clara", "Clara Schumann", _NO_TERMS, True),
    Collection("corelli", "Corelli", _NO_TERMS, True),
    Collection("handel", "Handel", _NO_TERMS, True),
    Collection("chopin", "Chopin", _NO_TERMS, True),
    Collection("schubert", "Schubert", _NO_TERMS, True),
    Collection("joplin", "Joplin", _NO_TERMS, True),
    Collection("cpebach", "C. P. E. Bach", _NO_TERMS, True),
    Collection("weber", "Weber", _NO_TERMS, True),
)

TEST_BOOKS = {"test0.abc", "test1.abc", "testd.abc", "teste.abc"}
"""Essen files that try the converter out: the same songs under made-up places."""

_PROVINCE = re.compile(
    r"\b(Anhui|Fujian|Gansu|Guangdong|Guangxi|Guizhou|Hainan|Hebei|Heilongjiang|Henan|Hubei|Hunan|Jiangsu|Jiangxi|"
    r"Jilin|Liaoning|Neimeng|Neimenggu|Ningxia|Qinghai|Shaanxi|Shandong|Shanxi|Sichuan|Taiwan|Xinjiang|Xizang|"
    r"Yunnan|Zhejiang)\b"
)

_COUNTRIES = {
    "Austria": "Oesterreich Tirol Steiermark Kaernten Salzburg Vorarlberg Burgenland",
    "Switzerland": "Schweiz",
    "Netherlands": "Niederlande Holland Belgien Flandern flaemisch",
    "France": "Frankreich Elsass",
    "Hungary": "Ungarn",
    "Poland": "Polen",
    "Yugoslavia": "Jugoslawien Gottschee Kroatien Slowenien Serbien Bosnien",
    "Romania": "Rumaenien Siebenbuergen",
    "Czechoslovakia": "Tschechoslowakei Boehmen Maehren Slowakei CSSR Kuhlaendchen",
    "Russia and Ukraine": "UdSSR Russland Ukraine Bessarabien Wolga",
    "Scandinavia": "Schweden Daenemark Norwegen Island Finnland",
    "Italy": "Italien Suedtirol",
    "England": "England Grossbritannien Schottland",
    "Americas": "Amerika Mexiko USA",
}
_GERMAN_BOOKS = {
    "altdeu": "Old German songs",
    "ballad": "ballads",
    "boehme": "Boehme",
    "dva": "Folk Song Archive",
    "erk": "Erk",
    "fink": "Fink",
    "kinder": "children's songs",
    "variant": "variants",
    "zuccal": "Zuccalmaglio",
}


def essen(book: str, origin: str) -> tuple[str, str]:
    """(group, tradition) of a song, from its book's file name and its `O:` field.

    The first place named decides, but Lorraine, Luxembourg and China wherever they are named.
    """
    province = _PROVINCE.search(origin)
    if book.startswith("han") or "China" in origin:
        place = province.group(1) if province else "other regions"
        return f"China: {'Inner Mongolia' if place.startswith('Neimeng') else place}", "China"
    if book == "lot.abc":
        return "Lorraine", "Lorraine"
    if "Lothringen" in origin:
        return "Lorraine: German archives", "Lorraine"
    if book == "lux.abc" or "Luxemb" in origin:
        return "Luxembourg", "Luxembourg"
    if book == "irl.abc" or origin.startswith("Irland"):
        return "Ireland: songs", "Ireland"
    if book == "folkHaydn.abc":
        return "Scotland: arranged by Haydn", "Scotland"
    country = _country(origin)
    if country:
        return f"Europe: {country}", "Europe outside Germany"
    # Volumes of one book are one group.
    stem = re.sub(r"\d+$", "", book.removesuffix(".abc"))
    return f"Germany: {_GERMAN_BOOKS.get(stem, stem)}", "Germany"


def _country(origin: str) -> str | None:
    """The first country named, or None for Germany and for no country at all."""
    places = {place: country for country, words in _COUNTRIES.items() for place in words.split()}
    found = [(match.start(), places[place]) for place in places if (match := re.search(rf"\b{place}\b", origin))]
    # Germany counts as a place, lest a country that is named after it decide; the empty word stands for it.
    german = re.search(r"\bDeutschland\b", origin)
    if german:
        found.append((german.start(), ""))
    return min(found, default=(0, ""))[1] or None


_ONEILL_SECTIONS = (
    (625, "airs"),
    (699, "Carolan"),
    (1115, "double jigs"),
    (1174, "slip jigs"),
    (1555, "reels"),
    (1775, "hornpipes"),
    (1850, "long dances and marches"),
)


def oneill(number: int) -> tuple[str, str]:
    """(group, tradition) of a tune of O'Neill's by its number: the book is ordered by dance."""
    section = next((name for last, name in _ONEILL_SECTIONS if number <= last), "long dances and marches")
    return f"O'Neill: {section}", "Ireland"


def ryan(dance: str) -> tuple[str, str]:
    """(group, tradition) of a tune of Ryan's Mammoth by its `R:` field."""
    dance = " ".join(dance.lower().split()).replace("slipjig", "slip jig")
    dance = "fling" if dance.endswith("fling") else dance or "other"
    return f"Ryan: {dance}s" if dance != "other" else "Ryan: other", "American fiddle and fife"


def composed(folder: str, stem: str) -> tuple[str, str]:
    """(group, tradition) of a file that is a work by itself."""
    if folder == "palestrina":
        return f"Palestrina: {re.split(r'[_.]', stem)[0]}", "Palestrina"
    if folder == "bach":
        number = re.match(r"bwv(\d+)", stem)
        low = int(number.group(1)) // 50 * 50 if number else 0
        return (f"Bach: BWV {max(low, 1)} to {low + 49}" if low < 400 else "Bach: BWV 400 and later"), "Bach"
    if folder == "trecento":
        volume = re.match(r"PMFC_(\d+)", stem)
        return f"Trecento: PMFC {int(volume.group(1)) if volume else 'none'}", "Trecento"
    if folder == "monteverdi":
        book = re.match(r"madrigal\.(\d)", stem)
        return f"Monteverdi: book {book.group(1) if book else 'none'}", "Monteverdi"
    if folder in ("beethoven", "haydn", "mozart"):
        return folder.capitalize(), "String quartets"
    return folder.replace("_", " ").title(), "Josquin" if folder == "josquin" else "Other composers"
