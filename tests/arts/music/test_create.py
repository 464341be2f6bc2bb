"""New pieces in the hands of artists: of the asked length, read alike by all, the same whatever is asked beside."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from metaart.artists.art import Made, Request
from metaart.artists.artist import Artist
from metaart.artists.requests import MAX_STEPS
from metaart.artists.run import Run
from metaart.artists.works import Work
from metaart.arts import load
from metaart.arts.music import CREATE, ComposeOptions
from metaart.arts.music.create import draw
from metaart.arts.shipped import shipped_run
from metaart.cli import main
from metaart.config import override
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.formats.scores.canonical import HIGHEST_PITCH, LOWEST_PITCH, bar_ticks, canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.piano_roll import piano_rolls
from metaart.formats.scores.tokens import encode_canonical, make_tokenizer
from metaart.recipes import recipe
from metaart.training.plan import plan_run
from metaart.training.run import prepare_run, train_run
from tests.formats.scores.readers import by_mido, by_pretty_midi, by_symusic, of_score


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


@pytest.fixture(scope="module")
def works(music_data: Path) -> list[list[Work]]:
    """Works of each test hand."""
    dataset = Dataset.open(music_data)
    return [
        [Work(f"{number}.mid", work.midi) for number, work in enumerate(dataset.works(group))]
        for group in dataset.groups("test")
    ]


@pytest.fixture(scope="module")
def artist(run: Run, works: list[list[Work]]) -> Artist:
    return run.adapt_works(works[0][:3])


def made(run: Run, artist: Artist, asked: ComposeOptions, **rest: Any) -> Made:
    """One piece, asked for alone."""
    (one,) = run.make(CREATE, [Request([artist], asked, **rest)])
    return one


def bars_of(midi: bytes) -> int:
    """Bars that have begun when the last note ends, by the file's own time signatures."""
    score = read_midi(midi).resample(24)
    end = max(int(note.time + note.duration) for track in score.tracks for note in track.notes)
    marks = [(int(m.time), bar_ticks(m.numerator, m.denominator)) for m in score.time_signatures]
    stops = [*(tick for tick, _ in marks[1:]), end]
    return sum(-(-(stop - tick) // bar) for (tick, bar), stop in zip(marks, stops, strict=True))


@pytest.mark.parametrize(("bars", "temperature"), [(1, 0.9), (5, 2.0), (16, 0.9)])
def test_every_piece_has_its_bars_and_range_and_is_read_alike_by_all(
    run: Run, artist: Artist, bars: int, temperature: float
) -> None:
    requests = [Request([artist], ComposeOptions(bars, temperature, 1.0, seed)) for seed in range(2)]
    for one in run.make(CREATE, requests):
        midi = one.data
        rows = by_mido(midi)
        assert rows == by_symusic(midi) == by_pretty_midi(midi) == of_score(read_midi(midi))
        assert rows
        assert all(LOWEST_PITCH <= pitch <= HIGHEST_PITCH and end > start for start, end, pitch, _ in rows)
        assert bars_of(midi) == bars


def test_a_piece_is_a_sentence_of_the_tokens(run: Run, artist: Artist) -> None:
    midi = made(run, artist, ComposeOptions(bars=6, seed=3)).data
    tokens = encode_canonical(make_tokenizer(), canonical(read_midi(midi)))
    kinds = [str(run.domain.vocabulary.kind[token]) for token in tokens]  # type: ignore[attr-defined]
    assert (kinds[0], kinds[-1], kinds.count("Bar")) == ("BOS", "EOS", 6)
    follows = {"Bar": {"TimeSig"}, "TimeSig": {"Position", "Bar"}, "Position": {"Pitch"}, "Pitch": {"Duration"}}
    for before, after in pairwise(kinds):
        assert after in follows.get(before, {"Bar", "Position", "Pitch", "EOS"})


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(
    run: Run, artist: Artist, tiny_run: Path, works: list[list[Work]]
) -> None:
    asked, again = ComposeOptions(bars=4, seed=5), load(tiny_run)
    once = made(run, artist, asked).data
    assert once == made(again, again.adapt_works(works[0][:3]), asked).data
    assert once != made(run, artist, dataclasses.replace(asked, seed=6)).data


def test_what_is_asked_beside_others_is_what_is_asked_alone(run: Run, works: list[list[Work]]) -> None:
    supports: list[tuple[Sequence[Work], int | None]] = [(works[0][:1], None), (works[1][:5], 3), (works[0][2:5], 0)]
    artists = [run.adapt_works(support, steps=steps) for support, steps in supports]
    asked = [ComposeOptions(bars=bars, seed=bars) for bars in (2, 7, 4)]
    requests = [Request([artist], options) for artist, options in zip(artists, asked, strict=True)]
    together = run.make(CREATE, requests)
    assert [one.data for one in together] == [run.make(CREATE, [request])[0].data for request in requests]
    assert [one.data for one in run.make(CREATE, requests[::-1])] == [one.data for one in together[::-1]]
    assert run.make(CREATE, []) == []


def test_a_primer_is_kept_note_by_note(run: Run, artist: Artist, works: list[list[Work]]) -> None:
    primer = works[1][0]
    bars = bars_of(primer.data)
    midi = made(run, artist, ComposeOptions(bars=bars + 4, seed=1), files={"primer": primer}).data
    composed = of_score(canonical(read_midi(midi)))
    begun = of_score(canonical(read_midi(primer.data)))
    assert composed[: len(begun)] == begun
    assert len(composed) > len(begun)
    assert bars_of(midi) == bars + 4
    with pytest.raises(UserError, match=f"a primer shorter than the {bars} bars"):
        made(run, artist, ComposeOptions(bars=bars), files={"primer": primer})
    with pytest.raises(UserError, match=r"poem\.mid"):
        made(run, artist, ComposeOptions(), files={"primer": Work("poem.mid", b"Whose woods these are")})


def test_what_was_made_says_how_to_ask_for_it_again(run: Run, artist: Artist) -> None:
    one = made(run, artist, ComposeOptions(bars=3, seed=8))
    assert one.words == "3 bars in the hand of 3 examples (seed 8)"
    assert one.facts == {"Bars": "3", "Seed": "8"}
    assert one.file_name == "metaart-seed8.mid"
    assert one.extras == {}


def test_the_picture_is_the_first_example_over_the_piece(run: Run, artist: Artist, works: list[list[Work]]) -> None:
    asked, picture = ComposeOptions(bars=2, seed=1), frozenset({"picture"})
    example = works[0][0]._replace(name="some/folder/a.mid")
    one = made(run, artist, asked, extras=picture, works=[example, *works[0][1:]], title="b.mid")
    rolls = {"example: a.mid": read_midi(example.data), "new: b.mid": read_midi(one.data)}
    assert one.extras == {"picture": piano_rolls(rolls)}
    alone = made(run, artist, asked, extras=picture)
    assert alone.extras == {"picture": piano_rolls({"new": read_midi(one.data)})}


def test_adapting_lowers_the_loss_on_the_examples_and_no_steps_change_nothing(
    run: Run, works: list[list[Work]]
) -> None:
    support = run.support(works[0][:3])[0].examples

    def loss(steps: int) -> float:
        return float(run.domain.loss(run.predict(run.adapted(support, steps)), support))

    assert loss(0) > loss(1) > loss(5)
    before = run.adapted(support, 0)
    for name, value in run.adapted(run.support(works[1][:2])[0].examples, 0).items():
        assert torch.equal(value, before[name])
        assert not value.requires_grad


@pytest.mark.parametrize("steps", [-1, MAX_STEPS + 1, 1.5, True])
def test_steps_that_make_no_sense_are_refused(run: Run, works: list[list[Work]], steps: Any) -> None:
    with pytest.raises(UserError, match=f"0 to {MAX_STEPS}"):
        run.adapt_works(works[0][:2], steps=steps)


def test_the_command_writes_the_piece_and_a_picture(
    run: Run, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = sorted((midi_folder / "composer-0").iterdir())[:3]
    out, picture = tmp_path / "deep" / "new.mid", tmp_path / "new.png"
    asked = ["create", "music", "--run", str(run.folder), "--examples", *map(str, examples), "--bars", "3"]
    assert main([*asked, "--seed", "2", "--out", str(out), "--picture", str(picture)]) == 0
    assert capsys.readouterr().out == f"{out} and {picture}: 3 bars in the hand of 3 examples (seed 2)\n"
    assert bars_of(out.read_bytes()) == 3
    with Image.open(picture) as roll:
        assert roll.format == "PNG"
    same = made(run, run.adapt(examples), ComposeOptions(bars=3, seed=2))
    assert out.read_bytes() == same.data
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["new.mid", "new.png"]


def test_pieces_are_drawn_under_their_names(midi_folder: Path, tmp_path: Path) -> None:
    files = sorted(midi_folder.rglob("*.mid"))[:2]
    draw(files, tmp_path / "deep" / "two.png")
    rolls = {str(path): read_midi(path.read_bytes()) for path in files}
    assert (tmp_path / "deep" / "two.png").read_bytes() == piano_rolls(rolls)
    with pytest.raises(UserError, match=r"nowhere\.mid"):
        draw([tmp_path / "nowhere.mid"], tmp_path / "none.png")
    (tmp_path / "poem.mid").write_bytes(b"Whose woods these are")
    with pytest.raises(UserError, match=r"poem\.mid"):
        draw([tmp_path / "poem.mid"], tmp_path / "none.png")


def test_a_place_that_cannot_be_written_to_is_said_on_the_command_line(
    tiny_run: Path, midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example, folder = next(midi_folder.rglob("*.mid")), tmp_path / "folder"
    folder.mkdir()
    asked = ["create", "music", "--run", str(tiny_run), "--examples", str(example), "--bars", "1", "--steps", "0"]
    for out in (example / "new.mid", folder):
        assert main([*asked, "--out", str(out)]) == 2
        assert "a file that can be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [folder]


def test_a_run_of_sine_waves_is_none_of_music(
    tmp_path: Path, midi_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = override(recipe("sinusoid"), ["meta.steps=1", "meta.validation_tasks=2", "batching.mode=loop"])
    plan = plan_run(config, tmp_path / "run")
    prepare_run(plan, resume=False)
    train_run(plan)
    example = str(next(midi_folder.rglob("*.mid")))
    assert main(["create", "music", "--run", str(tmp_path / "run"), "--examples", example]) == 2
    assert "a run of music" in capsys.readouterr().err
    with pytest.raises(UserError, match="reads files"):
        load(tmp_path / "run").adapt([b""])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def nonsense(path: Path) -> None:
    path.write_bytes(b"\x00\xff nonsense")


@pytest.mark.parametrize("damage", [Path.unlink, cut, nonsense])
@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "tokenizer.json"])
def test_a_run_with_a_missing_or_damaged_file_is_refused_and_the_file_named(
    name: str, damage: Callable[[Path], None], tiny_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.json", "weights.safetensors", "tokenizer.json"):
        shutil.copy(tiny_run / name, run / name)
    load(run)
    damage(run / name)
    with pytest.raises(UserError, match=name):
        load(run)


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_an_art_without_a_shipped_model_is_refused() -> None:
    with pytest.raises(UserError, match="train pottery"):
        shipped_run("pottery")
