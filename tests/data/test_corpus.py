"""The catalogue of the corpus, and a few works of each of its collections."""

from __future__ import annotations

from collections import defaultdict

import pytest

from metaart.data.base import Entry, Rejected
from metaart.data.corpus import CorpusSource
from metaart.data.traditions import SPLITS, composed, essen, oneill, ryan
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi
from tests.formats.scores.readers import by_mido


def entries(corpus: CorpusSource, group: str) -> list[Entry]:
    return [entry for entry in corpus.entries(group) if isinstance(entry, Entry)]


def test_traditions_are_split_as_designed(corpus: CorpusSource) -> None:
    by_split: dict[str, set[str]] = defaultdict(set)
    for group in corpus.groups():
        by_split[group.split].add(group.tradition)
        assert SPLITS[group.tradition] == group.split
    assert by_split["test"] == {"China", "Lorraine", "Luxembourg", "Trecento", "Monteverdi"}
    assert len(by_split["validation"]) >= 3
    assert not by_split["train"] & (by_split["validation"] | by_split["test"])
    assert by_split["train"] >= {"Ireland", "Germany", "Palestrina", "Aird"}


def test_the_collections_are_all_there(corpus: CorpusSource) -> None:
    folders: dict[str, int] = defaultdict(int)
    for group in corpus.groups():
        for entry in entries(corpus, group.name):
            folders[entry.work_id.split("/")[0]] += 1
    assert sum(folders.values()) > 14_000
    for folder, least in {"essenFolksong": 8000, "oneills1850": 1800, "airdsAirs": 1180, "ryansMammoth": 1059,
                          "palestrina": 1318, "bach": 400, "trecento": 100, "monteverdi": 45}.items():  # fmt: skip
        assert folders[folder] >= least, folder


def test_every_licence_is_set_and_what_is_restricted_is_not_permissive(corpus: CorpusSource) -> None:
    for group in corpus.groups():
        for entry in entries(corpus, group.name):
            assert entry.licence
            folder = entry.work_id.split("/")[0]
            if folder in ("essenFolksong", "palestrina", "josquin", "bach"):
                assert not entry.permissive
            if "copyright" in entry.licence.lower() and "public domain" not in entry.licence.lower():
                assert not entry.permissive
            if folder == "essenFolksong":
                assert entry.licence == "non-commercial, legal status unclear"
    assert all(entry.permissive for entry in entries(corpus, "Aird: book 1"))


def test_no_test_place_is_named_in_a_training_song(corpus: CorpusSource) -> None:
    for group in corpus.groups():
        if group.split == "test":
            continue
        for entry in entries(corpus, group.name):
            if not entry.is_path:
                origin = " ".join(line for line in entry.content.split("\n") if line.startswith("O:"))
                assert not any(place in origin for place in ("China", "Lothringen", "Luxemb")), entry.work_id


def test_what_repeats_unread_is_listed(corpus: CorpusSource) -> None:
    reasons = {
        entry.reason for group in corpus.groups() for entry in corpus.entries(group.name) if isinstance(entry, Rejected)
    }
    assert reasons == {
        "a test file of the corpus with made-up places",
        "the same number of the book transcribed again",
        "the same work is there as MusicXML",
    }
    numbers = [entry.content.split("\n")[0] for group in corpus.groups() if group.name.startswith("O'Neill")
               for entry in entries(corpus, group.name)]  # fmt: skip
    assert len({line.removeprefix("X:").strip() for line in numbers}) == len(numbers)


@pytest.mark.parametrize(
    ("group", "voices"),
    [
        ("China: Shanxi", 1), ("Lorraine", 1), ("Luxembourg", 1), ("Germany: Erk", 1), ("O'Neill: reels", 1),
        ("Aird: book 3", 1), ("Ryan: hornpipes", 1), ("American fife", 1), ("Northumbrian Minstrelsy", 1),
        ("Bach: BWV 250 to 299", 4), ("Palestrina: Agnus", 4), ("Trecento: PMFC 1", 2),
        ("Josquin", 2), ("Schumann Clara", 2),
    ],
)  # fmt: skip
def test_a_work_of_each_collection_is_read(group: str, voices: int, corpus: CorpusSource) -> None:
    entry = min(entries(corpus, group), key=lambda entry: entry.cost)
    data = corpus.read(entry)
    score = read_midi(data)
    assert len(by_mido(data)) == score.note_num() >= 8
    assert len(score.tracks) >= voices
    assert canonical(score).note_num() <= score.note_num()


@pytest.mark.parametrize(
    ("book", "origin", "group"),
    [
        ("han1.abc", "China, Shaanxi, Yulin", "China: Shaanxi"),
        ("han1.abc", "China, Shanxi", "China: Shanxi"),
        ("han2.abc", "Neimenggu", "China: Inner Mongolia"),
        ("han1.abc", "", "China: other regions"),
        ("altdeu10.abc", "China", "China: other regions"),
        ("erk10.abc", "Europa, Mitteleuropa, Deutschland, Lothringen", "Lorraine: German archives"),
        ("erk10.abc", "Europa, Mitteleuropa, Deutschland, Brandenburg", "Germany: Erk"),
        ("erk10.abc", "Europa, Luxemburg", "Luxembourg"),
        ("boehme20.abc", "Europa, Frankreich, Deutschland", "Europe: France"),
        ("boehme20.abc", "Deutschland, Frankreich", "Germany: Boehme"),
        ("ballad10.abc", "Oesterreich, Steiermark", "Europe: Austria"),
        ("irl.abc", "Irland, Mayo", "Ireland: songs"),
    ],
)
def test_essen_songs_are_grouped_by_place(book: str, origin: str, group: str) -> None:
    assert essen(book, origin)[0] == group


def test_books_are_grouped_by_dance_volume_and_number() -> None:
    assert [oneill(number)[0] for number in (1, 625, 626, 1115, 1116, 1850, 1999)] == [
        "O'Neill: airs", "O'Neill: airs", "O'Neill: Carolan", "O'Neill: double jigs", "O'Neill: slip jigs",
        "O'Neill: long dances and marches", "O'Neill: long dances and marches",
    ]  # fmt: skip
    assert [ryan(dance)[0] for dance in ("Reel", "slipjig", "Highland Fling", "")] == [
        "Ryan: reels", "Ryan: slip jigs", "Ryan: flings", "Ryan: other"
    ]  # fmt: skip
    assert composed("palestrina", "Agnus_0") == ("Palestrina: Agnus", "Palestrina")
    assert composed("bach", "bwv1.6")[0] == "Bach: BWV 1 to 49"
    assert composed("bach", "bwv253")[0] == "Bach: BWV 250 to 299"
    assert composed("bach", "bwv431")[0] == "Bach: BWV 400 and later"
    assert composed("trecento", "PMFC_06-Jacopo-03")[0] == "Trecento: PMFC 6"
