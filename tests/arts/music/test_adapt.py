"""MIDI files as what a run of music is adapted to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts import load
from metaart.arts.music.adapt import WINDOWS_PER_WORK, music_of, read
from metaart.errors import TooLarge, UserError


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


@pytest.fixture(scope="module")
def works(midi_folder: Path) -> list[Work]:
    return [Work(path.name, path.read_bytes()) for path in sorted(midi_folder.glob("composer-0/*.mid"))[:3]]


def test_works_are_read_from_their_beginning(run: Run, works: list[Work]) -> None:
    tokens = run.support(works)[0].examples["tokens"]
    assert 3 <= len(tokens) <= 3 * WINDOWS_PER_WORK
    assert tokens.shape[1] == run.domain.config.max_tokens  # type: ignore[attr-defined]
    alone = [run.support([work])[0].examples["tokens"] for work in works]
    assert torch.equal(tokens, torch.cat(alone))
    for work, windows in zip(works, alone, strict=True):
        whole = read(run.domain, work)
        assert windows[0].tolist()[: len(whole)] == whole[: windows.shape[1]].tolist()
        assert (whole[0], whole[-1]) == (music_of(run).vocabulary.bos, music_of(run).vocabulary.eos)
        assert (windows[1:, 0] == music_of(run).vocabulary.bar).all()


def test_works_that_cannot_be_used_are_refused_by_name(run: Run, works: list[Work]) -> None:
    with pytest.raises(UserError, match=r"poem\.mid"):
        run.support([works[0], Work("poem.mid", b"Whose woods these are I think I know")])
    with pytest.raises(UserError, match="example 2"):
        run.support([works[0], Work("example 2", b"")])
    with pytest.raises(TooLarge, match="21"):
        run.support([works[0]] * 21)
    with pytest.raises(UserError, match="1 to 20 MIDI files"):
        run.support([])


def test_drums_alone_are_no_work(run: Run) -> None:
    body = b"\x00\x99\x24\x40\x10\x89\x24\x00\x00\xff\x2f\x00"
    midi = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk" + len(body).to_bytes(4, "big") + body
    with pytest.raises(UserError, match=r"drums\.mid without any"):
        run.support([Work("drums.mid", midi)])


def test_a_run_of_another_art_is_none_of_music(critique_run: Path, run: Run) -> None:
    assert music_of(run) is run.domain
    with pytest.raises(UserError, match="a run of music") as caught:
        music_of(load(critique_run))
    assert str(critique_run) in caught.value.got
