"""What every registered source keeps to."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from metaart.data import SOURCES
from metaart.data.base import Entry, Rejected, Source, Work
from metaart.data.corpus import CorpusSource
from metaart.data.folder import FolderSource
from metaart.errors import UserError
from metaart.score.midi import read_midi


@pytest.fixture
def make(request: pytest.FixtureRequest, midi_folder: Path, corpus: CorpusSource) -> Callable[[], Source]:
    """Gives the source of this name; those that need a folder get one, and the catalogue of the corpus is shared."""
    known: dict[str, Callable[[], Source]] = {"folder": lambda: FolderSource(midi_folder), "corpus": lambda: corpus}
    return known.get(request.param, SOURCES["music"][request.param])


every_source = pytest.mark.parametrize("make", list(SOURCES["music"]), indirect=True)


@every_source
def test_groups_and_entries_have_a_fixed_order_and_names_of_their_own(make: Callable[[], Source]) -> None:
    one, two = make(), pickle.loads(pickle.dumps(make()))
    groups = one.groups()
    assert groups
    assert groups == two.groups()
    assert len({group.name for group in groups}) == len(groups)
    assert {group.split for group in groups} == {"train", "validation", "test"}
    by_tradition = {(group.tradition, group.split) for group in groups}
    assert len({tradition for tradition, _ in by_tradition}) == len(by_tradition)
    work_ids = []
    for group in groups:
        entries = one.entries(group.name)
        assert entries
        assert entries == two.entries(group.name)
        for entry in entries:
            if isinstance(entry, Entry):
                assert entry.group == group.name
                assert entry.licence
                assert entry.source
                assert entry.cost > 0
                work_ids.append(entry.work_id)
            else:
                assert entry.reason
    assert len(set(work_ids)) == len(work_ids)


@every_source
def test_what_is_read_is_midi_with_notes(make: Callable[[], Source]) -> None:
    source = make()
    cheap = [
        (group, entry)
        for group in source.groups()
        for entry in source.entries(group.name)[:1]
        if isinstance(entry, Entry) and entry.cost <= 0.1
    ]
    assert cheap
    for group, entry in cheap[:: max(len(cheap) // 12, 1)]:
        work = source.work(entry, group.tradition)
        assert isinstance(work, Work), work
        assert read_midi(work.data).note_num()
        assert source.read(entry) == work.data
        assert (work.group, work.tradition, work.work_id) == (group.name, group.tradition, entry.work_id)


@every_source
def test_the_examples_of_a_group_are_its_entries_in_order(make: Callable[[], Source]) -> None:
    source = make()
    cost = {
        group: sum(entry.cost for entry in source.entries(group.name) if isinstance(entry, Entry))
        for group in source.groups()
    }
    group = min((group for group in cost if cost[group]), key=lambda group: cost[group])
    examples = list(source.examples(group.name))
    said = [example.what if isinstance(example, Rejected) else example.work_id for example in examples]
    entries = source.entries(group.name)
    assert said == [entry.what if isinstance(entry, Rejected) else entry.work_id for entry in entries]


@every_source
def test_an_unknown_group_is_refused(make: Callable[[], Source]) -> None:
    with pytest.raises(UserError, match="a group of the source"):
        next(iter(make().examples("Nobody")))


@every_source
def test_what_cannot_be_read_is_rejected_with_its_reason(make: Callable[[], Source]) -> None:
    lost = Entry("Nobody", "lost.mid", "Lost", "nowhere", "none", True, "lost.mid", is_path=True)
    rejected = make().work(lost, "none")
    assert isinstance(rejected, Rejected)
    assert rejected.what == "lost.mid"
    assert rejected.reason
