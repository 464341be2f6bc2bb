import dataclasses
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from metaart.artists.run import MAX_STEPS, Creator, shipped_run
from metaart.arts.music.compose import ComposeRequest
from metaart.arts.music.create import create_music
from metaart.cli import main
from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.formats.scores.canonical import HIGHEST_PITCH, LOWEST_PITCH, bar_ticks, canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import encode_canonical, make_tokenizer
from tests.formats.scores.readers import by_mido, by_pretty_midi, by_symusic, of_score


@pytest.fixture(scope="module")
def creator(tiny_run: Path) -> Creator:
    return Creator(tiny_run)


@pytest.fixture(scope="module")
def works(music_data: Path) -> list[list[bytes]]:
    """Works of each test hand."""
    dataset = Dataset.open(music_data)
    return [[work.midi for work in dataset.works(group)] for group in dataset.groups("test")]


def bars_of(midi: bytes) -> int:
    """Bars that have begun when the last note ends, by the file's own time signatures."""
    score = read_midi(midi).resample(24)
    end = max(int(note.time + note.duration) for track in score.tracks for note in track.notes)
    marks = [(int(m.time), bar_ticks(m.numerator, m.denominator)) for m in score.time_signatures]
    stops = [*(tick for tick, _ in marks[1:]), end]
    return sum(-(-(stop - tick) // bar) for (tick, bar), stop in zip(marks, stops, strict=True))


@pytest.mark.parametrize(("bars", "temperature"), [(1, 0.9), (5, 2.0), (16, 0.9)])
def test_every_piece_has_its_bars_and_range_and_is_read_alike_by_all(
    creator: Creator, works: list[list[bytes]], bars: int, temperature: float
) -> None:
    requests = [ComposeRequest(bars, temperature, 1.0, seed) for seed in range(2)]
    for midi in creator.create([works[0][:3]] * 2, requests):
        rows = by_mido(midi)
        assert rows == by_symusic(midi) == by_pretty_midi(midi) == of_score(read_midi(midi))
        assert rows
        assert all(LOWEST_PITCH <= pitch <= HIGHEST_PITCH and end > start for start, end, pitch, _ in rows)
        assert bars_of(midi) == bars


def test_a_piece_is_a_sentence_of_the_tokens(creator: Creator, works: list[list[bytes]]) -> None:
    (midi,) = creator.create([works[0][:3]], [ComposeRequest(bars=6, seed=3)])
    tokens = encode_canonical(make_tokenizer(), canonical(read_midi(midi)))
    kinds = [str(creator.domain.vocabulary.kind[token]) for token in tokens]  # type: ignore[attr-defined]
    assert (kinds[0], kinds[-1], kinds.count("Bar")) == ("BOS", "EOS", 6)
    follows = {"Bar": {"TimeSig"}, "TimeSig": {"Position", "Bar"}, "Position": {"Pitch"}, "Pitch": {"Duration"}}
    for before, after in pairwise(kinds):
        assert after in follows.get(before, {"Bar", "Position", "Pitch", "EOS"})


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(
    creator: Creator, tiny_run: Path, works: list[list[bytes]]
) -> None:
    request = ComposeRequest(bars=4, seed=5)
    (once,), (again,) = (made.create([works[0][:3]], [request]) for made in (creator, Creator(tiny_run)))
    (other,) = creator.create([works[0][:3]], [dataclasses.replace(request, seed=6)])
    assert once == again != other


def test_what_is_asked_beside_others_is_what_is_asked_alone(creator: Creator, works: list[list[bytes]]) -> None:
    examples = [works[0][:1], works[1][:5], works[0][2:5]]
    requests = [ComposeRequest(bars=bars, seed=bars) for bars in (2, 7, 4)]
    steps = [None, 3, 0]
    together = creator.create(examples, requests, steps)
    alone = [
        creator.create([files], [request], number)[0]
        for files, request, number in zip(examples, requests, steps, strict=True)
    ]
    assert together == alone


def test_a_primer_is_kept_note_by_note(creator: Creator, works: list[list[bytes]]) -> None:
    primer = works[1][0]
    begun = canonical(read_midi(primer))
    bars = bars_of(primer)
    tokens = creator.domain.primer(primer, bars=bars + 4)  # type: ignore[attr-defined]
    (midi,) = creator.create([works[0][:3]], [ComposeRequest(bars=bars + 4, seed=1, primer=tokens)])
    made = of_score(canonical(read_midi(midi)))
    kept = of_score(begun)
    assert made[: len(kept)] == kept
    assert len(made) > len(kept)
    assert bars_of(midi) == bars + 4


def test_adapting_lowers_the_loss_on_the_examples_and_no_steps_change_nothing(
    creator: Creator, works: list[list[bytes]]
) -> None:
    support = creator.domain.read(works[0][:3])

    def loss(steps: int) -> float:
        return float(creator.domain.loss(creator.predict(creator.adapt(support, steps)), support))

    assert loss(0) > loss(1) > loss(5)
    before = creator.adapt(support, 0)
    for name, value in creator.adapt(creator.domain.read(works[1][:2]), 0).items():
        assert torch.equal(value, before[name])
        assert not value.requires_grad


@pytest.mark.parametrize("steps", [-1, MAX_STEPS + 1, 1.5, True])
def test_steps_that_make_no_sense_are_refused(creator: Creator, works: list[list[bytes]], steps: Any) -> None:
    with pytest.raises(UserError, match=f"0 to {MAX_STEPS}"):
        creator.create([works[0][:2]], [ComposeRequest(bars=1)], steps)


def test_weights_and_requests_of_unequal_number_are_refused(creator: Creator, works: list[list[bytes]]) -> None:
    with pytest.raises(UserError, match="as many requests"):
        creator.render([creator.adapt(creator.domain.read(works[0][:1]))], [ComposeRequest(), ComposeRequest()])
    assert creator.render([], []) == []


def test_create_music_writes_the_piece_and_a_picture(tiny_run: Path, midi_folder: Path, tmp_path: Path) -> None:
    examples = sorted((midi_folder / "composer-0").iterdir())[:3]
    out, picture = tmp_path / "deep" / "new.mid", tmp_path / "new.png"
    said = create_music(examples=examples, out=out, run=tiny_run, bars=3, seed=2, picture=picture)
    assert str(out) in said
    assert bars_of(out.read_bytes()) == 3
    with Image.open(picture) as roll:
        assert roll.format == "PNG"
    (same,) = Creator(tiny_run).create([[path.read_bytes() for path in examples]], [ComposeRequest(bars=3, seed=2)])
    assert out.read_bytes() == same
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["new.mid", "new.png"]


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


def test_sine_waves_are_no_music(tmp_path: Path, midi_folder: Path) -> None:
    from metaart.config import override
    from metaart.recipes import recipe
    from metaart.training.plan import plan_run
    from metaart.training.run import prepare_run, train_run

    config = override(recipe("sinusoid"), ["meta.steps=1", "meta.validation_tasks=2", "batching.mode=loop"])
    plan = plan_run(config, tmp_path / "run")
    prepare_run(plan, resume=False)
    train_run(plan)
    with pytest.raises(UserError, match="a run of music"):
        create_music(examples=[next(midi_folder.rglob("*.mid"))], out=tmp_path / "x.mid", run=tmp_path / "run")
    with pytest.raises(UserError, match="reads files"):
        Creator(tmp_path / "run").create([[b""]], [100])


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
    for kept in ("config.json", "weights.safetensors", "tokenizer.json"):
        shutil.copy(tiny_run / kept, run / kept)
    Creator(run)
    damage(run / name)
    with pytest.raises(UserError, match=name):
        Creator(run)


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        Creator(tmp_path / "nowhere")


def test_an_art_without_a_shipped_model_is_refused() -> None:
    with pytest.raises(UserError, match="train pottery"):
        shipped_run("pottery")
