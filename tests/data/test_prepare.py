"""From a source to a prepared folder, whatever happens on the way."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from metaart.data.corpus import CorpusSource
from metaart.data.folder import MusicFolder
from metaart.data.prepare import prepare
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi, write_midi
from tests.data.sources import Crashing, Restricted
from tests.formats.scores.readers import by_mido


@pytest.fixture(scope="module")
def works(midi_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five composers, six pieces each."""
    folder = tmp_path_factory.mktemp("works") / "in"
    for hand in sorted(midi_folder.iterdir()):
        (folder / hand.name).mkdir(parents=True)
        for path in sorted(hand.iterdir())[:6]:
            shutil.copy(path, folder / hand.name / path.name)
    return folder


@pytest.fixture(scope="module")
def prepared(works: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, prepared by one process without a break."""
    out = tmp_path_factory.mktemp("plain") / "data"
    assert prepare(MusicFolder(works), out, workers=1, progress=False)["prepared"]
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_prepared_is_what_was_given(works: Path, prepared: Path) -> None:
    dataset = Dataset.open(prepared)
    assert dataset.metadata["rejected"] == []
    by_id = {work.work_id: work for names in dataset.splits.values() for name in names for work in dataset.works(name)}
    assert sorted(by_id) == sorted(path.relative_to(works).as_posix() for path in works.rglob("*.mid"))
    for work_id, work in by_id.items():
        original = write_midi(canonical(read_midi((works / work_id).read_bytes())))
        assert by_mido(work.midi) == by_mido(original)
        assert (work.group, work.source) == (work_id.split("/")[0], work_id)


def test_a_second_call_does_nothing(works: Path, prepared: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in prepared.parent.rglob("*")}
    about = prepare(MusicFolder(works), prepared, workers=1, progress=False)
    assert about["prepared"] is False
    assert {path: path.stat().st_mtime_ns for path in prepared.parent.rglob("*")} == before


def test_a_second_call_does_nothing_for_the_corpus(corpus: CorpusSource, music_data: Path) -> None:
    settings = Dataset.open(music_data).metadata["settings"]
    before = {path: path.stat().st_mtime_ns for path in music_data.parent.rglob("*")}
    about = prepare(
        corpus, music_data, groups=settings["groups"], limit_per_group=settings["limit_per_group"], progress=False
    )
    assert about["prepared"] is False
    assert {path: path.stat().st_mtime_ns for path in music_data.parent.rglob("*")} == before


def test_two_workers_write_what_one_writes(works: Path, prepared: Path, tmp_path: Path) -> None:
    prepare(MusicFolder(works), tmp_path / "data", workers=2, progress=False)
    assert contents(tmp_path / "data") == contents(prepared)


def test_a_run_that_was_killed_goes_on_where_it_was(works: Path, prepared: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from metaart.data.prepare import prepare; from tests.data.sources import Stuck;"
        "prepare(Stuck(sys.argv[1]), sys.argv[2], workers=1, progress=False)"
    )
    mark, out = works.parent / "stuck", tmp_path / "data"
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", code, str(works), str(out)], cwd=root) as run:
        while not mark.exists():
            assert run.poll() is None
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    mark.unlink()
    assert run.returncode == -signal.SIGKILL
    assert not out.exists()
    with pytest.raises(UserError, match="prepared data folder"):
        Dataset.open(out)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / ".parts").glob("*.parquet")}
    assert 0 < len(times) < 5
    prepare(MusicFolder(works), out, workers=1, progress=False)
    assert contents(out) == contents(prepared)
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_changed_work_is_read_again(works: Path, tmp_path: Path) -> None:
    shutil.copytree(works, tmp_path / "in")
    first = prepare(MusicFolder(tmp_path / "in"), tmp_path / "data", workers=1, progress=False)
    (tmp_path / "in" / "composer-1" / "00.mid").unlink()
    second = prepare(MusicFolder(tmp_path / "in"), tmp_path / "data", workers=1, progress=False)
    assert second["prepared"] is True
    assert second["counts"]["works"] == first["counts"]["works"] - 1


def test_what_cannot_be_read_is_listed_with_its_reason_and_stops_nothing(works: Path, tmp_path: Path) -> None:
    shutil.copytree(works, tmp_path / "in")
    hand = tmp_path / "in" / "composer-2"
    whole = (hand / "00.mid").read_bytes()
    bad = {
        "cut.mid": whole[:-9],
        "empty.mid": b"",
        "text.mid": b"la la la",
        "silent.mid": whole[:10] + b"\x00\x00" + whole[12:14],
        "huge.mid": whole + bytes(3 * 2**20),
    }
    for name, data in bad.items():
        (hand / name).write_bytes(data)
    (hand / "readme.txt").write_text("mine")
    about = prepare(MusicFolder(tmp_path / "in"), tmp_path / "data", workers=1, progress=False)
    assert about["counts"]["works"] == 30
    rejected = {entry["what"].removeprefix("composer-2/"): entry["reason"] for entry in about["rejected"]}
    assert set(rejected) == {*bad, "readme.txt"}
    for name, reason in {"cut.mid": "chunk", "empty.mid": "empty", "text.mid": "MThd", "silent.mid": "notes",
                         "huge.mid": "bytes", "readme.txt": "not named"}.items():  # fmt: skip
        assert reason in rejected[name], (name, rejected[name])


def test_a_worker_that_crashes_takes_nobody_with_it(works: Path, tmp_path: Path) -> None:
    for hand in ("composer-0", "composer-1"):
        for number in range(2):
            path = tmp_path / "in" / hand / f"{number}.mid"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(works / hand / f"0{number}.mid", path)
    shutil.copy(works / "composer-2" / "00.mid", tmp_path / "in" / "composer-0" / "crash.mid")
    about = prepare(Crashing(tmp_path / "in"), tmp_path / "data", workers=2, progress=False)
    assert about["rejected"] == [{"what": "composer-0/crash.mid", "reason": "the reader crashed on it"}]
    assert about["counts"]["works"] == 4


def test_of_works_that_repeat_the_one_in_test_stays_then_the_one_in_validation(works: Path, tmp_path: Path) -> None:
    source = MusicFolder(works)
    by_split = {group.split: group.name for group in source.groups()}
    shutil.copytree(works, tmp_path / "in")

    def copy(of: str, number: int, to: str, semitones: int) -> None:
        score = read_midi((works / by_split[of] / f"0{number}.mid").read_bytes())
        transposed = score.shift_pitch(semitones)
        (tmp_path / "in" / by_split[to] / f"copy-{of}-{number}.mid").write_bytes(write_midi(transposed))

    copy("test", 0, "train", 2)
    copy("test", 1, "validation", -1)
    copy("validation", 2, "train", 1)
    copy("train", 3, "test", 3)
    copy("train", 4, "train", 0)
    about = prepare(MusicFolder(tmp_path / "in"), tmp_path / "data", workers=1, progress=False)
    train, test = by_split["train"], by_split["test"]
    assert {entry["what"]: entry["reason"] for entry in about["rejected"]} == {
        f"{train}/copy-test-0.mid": f"repeats a work of the test group {test}",
        f"{by_split['validation']}/copy-test-1.mid": f"repeats a work of the test group {test}",
        f"{train}/copy-validation-2.mid": f"repeats a work of the validation group {by_split['validation']}",
        f"{train}/03.mid": f"repeats a work of the test group {test}",
        f"{train}/copy-train-4.mid": "repeats a work of its own group",
    }


def test_permissive_leaves_out_what_is_restricted(works: Path, tmp_path: Path) -> None:
    both = prepare(Restricted(works), tmp_path / "any", workers=1, progress=False)
    free = prepare(Restricted(works), tmp_path / "free", licence="permissive", workers=1, progress=False)
    assert (both["counts"]["works"], free["counts"]["works"]) == (30, 15)
    reasons = Counter(entry["reason"] for entry in free["rejected"])
    assert reasons == {"not permissive: not stated (the user's own files)": 15}
    assert free["settings"]["licence"] == "permissive"


def test_groups_and_limits(works: Path, tmp_path: Path) -> None:
    source = MusicFolder(works)
    about = prepare(
        source, tmp_path / "a", groups=["composer-[01]", "composer-3"], limit_per_group=3, workers=1, progress=False
    )
    assert [entry["name"] for entry in about["groups"]] == ["composer-0", "composer-1", "composer-3"]
    assert about["counts"]["works"] == 9
    with pytest.raises(UserError, match="'Nobody'"):
        prepare(source, tmp_path / "b", groups=["composer-0", "Nobody"], progress=False)
    with pytest.raises(UserError, match="at least one group of 7 works"):
        prepare(source, tmp_path / "c", min_works=7, workers=1, progress=False)
    assert not (tmp_path / "c").exists()


def test_a_folder_of_other_settings_is_not_overwritten(works: Path, prepared: Path) -> None:
    before = contents(prepared)
    with pytest.raises(UserError, match="Choose another --out"):
        prepare(MusicFolder(works), prepared, limit_per_group=2, progress=False)
    assert contents(prepared) == before


def test_a_group_that_ends_up_too_small_is_left_out(works: Path, tmp_path: Path) -> None:
    shutil.copytree(works, tmp_path / "in")
    for path in sorted((tmp_path / "in" / "composer-4").iterdir())[1:]:
        path.unlink()
    about = prepare(MusicFolder(tmp_path / "in"), tmp_path / "data", workers=1, progress=False)
    assert "composer-4" not in {entry["name"] for entry in about["groups"]}
    assert about["rejected"] == [{"what": "composer-4/00.mid", "reason": "its group has fewer than 2 works"}]
