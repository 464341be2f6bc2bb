"""A user's own folder of folders."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaart.data.base import Entry, Rejected, SourceWork
from metaart.data.folder import MusicFolder, split_by_name
from metaart.errors import TooLarge, UserError
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.midi_events import MidiBounds

names = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=30)


@given(names, st.randoms(use_true_random=False))
def test_splits_depend_on_the_names_alone(hands: list[str], rng: object) -> None:
    splits = split_by_name(hands)
    shuffled = list(hands)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split_by_name(shuffled) == splits
    assert set(splits) == set(hands)
    share = max(len(hands) // 5, 1) if len(hands) >= 3 else 0
    counts = [list(splits.values()).count(split) for split in ("test", "validation", "train")]
    assert counts == [share, share, len(hands) - 2 * share]


def test_splits_of_some_composers() -> None:
    """Written down once: they must never change from machine to machine, or from version to version."""
    composers = ["Abel", "Bach", "Corelli", "Dowland", "Eccles"]
    assert split_by_name(composers) == {
        "Abel": "validation", "Bach": "train", "Corelli": "test", "Dowland": "train", "Eccles": "train"
    }  # fmt: skip
    assert split_by_name(["Abel", "Bach"]) == {"Abel": "train", "Bach": "train"}


@pytest.fixture
def folder(tmp_path: Path, midi_folder: Path) -> Path:
    tunes = sorted(midi_folder.rglob("*.mid"))
    for index, target in enumerate(["b/1.mid", "b/2.MID", "b/deep/3.midi", "a/4.mid", "c/5.mid"]):
        path = tmp_path / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tunes[index].read_bytes())
    for target in ("b/notes.txt", "b/.hidden.mid", "d/only.txt", ".git/x.mid", "loose.mid"):
        path = tmp_path / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no music")
    return tmp_path


def test_every_midi_file_of_a_sub_folder_is_a_work(folder: Path) -> None:
    source = MusicFolder(folder, "mine")
    assert [group.name for group in source.groups()] == ["a", "b", "c"]
    assert all(group.tradition == group.name for group in source.groups())
    found = source.entries("b")
    assert [entry.work_id for entry in found if isinstance(entry, Entry)] == ["b/1.mid", "b/2.MID", "b/deep/3.midi"]
    assert [entry for entry in found if isinstance(entry, Rejected)] == [
        Rejected("b/notes.txt", "not named .mid or .midi")
    ]
    assert {entry.licence for entry in found if isinstance(entry, Entry)} == {"mine"}
    works = [work for work in source.examples("b") if isinstance(work, SourceWork)]
    assert [work.data for work in works] == [(folder / work.work_id).read_bytes() for work in works]


def test_a_source_sent_to_another_process_reads_the_same(folder: Path) -> None:
    source = MusicFolder(folder)
    sent = pickle.loads(pickle.dumps(source))
    assert sent.groups() == source.groups()
    assert sent.entries("b") == source.entries("b")


def test_a_changed_file_is_another_entry(folder: Path) -> None:
    before = MusicFolder(folder).entries("a")
    (folder / "a" / "4.mid").write_bytes(b"MThd")
    assert MusicFolder(folder).entries("a") != before


def test_no_more_is_read_of_a_huge_file_than_is_needed_to_refuse_it(folder: Path) -> None:
    with (folder / "a" / "4.mid").open("r+b") as file:
        file.truncate(50 * 2**20)
    (entry,) = MusicFolder(folder).entries("a")
    assert isinstance(entry, Entry)
    data = MusicFolder(folder).read(entry)
    assert len(data) == MidiBounds().max_bytes + 1
    with pytest.raises(TooLarge):
        read_midi(data)


def test_folders_without_music_are_refused(tmp_path: Path) -> None:
    (tmp_path / "composer").mkdir()
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    no_folder = "a folder of MIDI files"
    for wrong, reason in ((tmp_path / "none", no_folder), (tmp_path / "tune.mid", no_folder),
                        (tmp_path, "sub-folders with MIDI files")):  # fmt: skip
        with pytest.raises(UserError, match=reason):
            MusicFolder(wrong)
