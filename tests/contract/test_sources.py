"""What every registered source keeps to."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from metaart.data import SOURCES
from metaart.data.base import Entry, Rejected, Source, SourceWork
from metaart.data.corpus import CorpusSource
from metaart.data.media import MEDIA
from metaart.errors import UserError
from metaart.options import described
from tests.data.pictures import gcompris_folder, openclipart_folder, picture_folder, picture_table
from tests.data.sources import DRAWINGS

ALL = [(what, name) for what, by_name in SOURCES.items() for name in by_name]


@pytest.fixture(scope="module")
def paths(midi_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Something to read for each source that needs it."""
    folder = tmp_path_factory.mktemp("sources")
    pictures, table = picture_folder(folder / "pictures"), picture_table(folder / "pictures.parquet")
    gcompris = gcompris_folder(folder / "gcompris")
    return {
        ("music", "folder"): midi_folder,
        ("drawings", "iconify"): DRAWINGS,
        ("pictures", "folder"): pictures,
        ("pictures", "parquet"): table,
        ("pictures", "gcompris"): gcompris,
        ("pictures", "openclipart"): openclipart_folder(folder / "clipart"),
        ("photographs", "gcompris"): gcompris,
        ("photographs", "folder"): pictures,
        ("photographs", "parquet"): table,
    }


@pytest.fixture
def make(
    request: pytest.FixtureRequest, paths: dict[tuple[str, str], Path], corpus: CorpusSource
) -> Callable[[], Source]:
    """Gives the source of this name; the catalogue of the corpus is shared."""
    what, name = request.param
    if (what, name) == ("music", "corpus"):
        return lambda: corpus
    path = {"path": paths[what, name]} if (what, name) in paths else {}
    return lambda: SOURCES[what][name].build(SOURCES[what][name].options(**path))


every_source = pytest.mark.parametrize("make", ALL, ids="-".join, indirect=True)


@every_source
def test_groups_and_entries_have_a_fixed_order_and_names_of_their_own(make: Callable[[], Source]) -> None:
    one, two = make(), pickle.loads(pickle.dumps(make()))
    assert MEDIA[one.medium.name] is type(one.medium)
    groups = one.groups()
    assert groups
    assert groups == two.groups()
    assert len({group.name for group in groups}) == len(groups)
    assert {group.split for group in groups} <= {"train", "validation", "test"}
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
def test_what_is_read_is_of_the_medium(make: Callable[[], Source]) -> None:
    source = make()
    cheap = [
        (group, entry)
        for group in source.groups()
        for entry in [entry for entry in source.entries(group.name) if isinstance(entry, Entry)][:1]
        if entry.cost <= 0.2
    ]
    assert cheap
    for group, entry in cheap[:: max(len(cheap) // 12, 1)]:
        work = source.work(entry, group.tradition)
        assert isinstance(work, SourceWork), work
        row = source.medium.read(entry, work.data)
        assert row.keys() == {*(field.name for field in source.medium.columns), "fingerprint"}
        assert row["fingerprint"]
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
    names = [example.what if isinstance(example, Rejected) else example.work_id for example in examples]
    entries = source.entries(group.name)
    assert names == [entry.what if isinstance(entry, Rejected) else entry.work_id for entry in entries]


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


@pytest.mark.parametrize(("what", "name"), ALL)
def test_a_path_that_is_not_there_is_refused(what: str, name: str, tmp_path: Path) -> None:
    source = SOURCES[what][name]
    if "path" in described(source.options):
        with pytest.raises(UserError, match="nowhere"):
            source.build(source.options(path=tmp_path / "nowhere"))


@pytest.mark.parametrize(("what", "name"), ALL)
def test_what_may_be_set_is_told_to_the_source(
    what: str, name: str, paths: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    source = SOURCES[what][name]
    fields = described(source.options)
    if "side" in fields:
        built = source.build(source.options(path=paths[what, name], side=40))
        assert built.medium.settings == {"max_side": 40}
        for side in (7, 5000):
            with pytest.raises(UserError, match="from 8 to 4096"):
                source.options(path=tmp_path, side=side)
    if "limit_per_group" in fields:
        built = source.build(source.options(path=paths[what, name], limit_per_group=2))
        counts = [len([entry for entry in built.entries(group.name) if isinstance(entry, Entry)])
                  for group in built.groups()]  # fmt: skip
        assert max(counts) == 2


@pytest.mark.parametrize(("what", "name"), ALL)
def test_every_option_has_help_and_a_flag_of_its_own(what: str, name: str) -> None:
    source = SOURCES[what][name]
    assert source.about
    for field in described(source.options).values():
        assert field.help
        assert field.name not in {"what", "source", "archive", "out", "groups", "run", "command"}
