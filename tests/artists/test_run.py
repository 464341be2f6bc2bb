"""A run as a value: adapt, look, create, save, by what Python code is given and by what the command line gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import metaart
from metaart.artists.run import Run
from metaart.arts import ARTS, load
from metaart.cli import main
from metaart.errors import UserError
from metaart.training.checkpoint import load_tensors
from metaart.training.run import POOLED


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return load(tiny_run)


@pytest.fixture(scope="module")
def files(midi_folder: Path) -> list[Path]:
    return sorted((midi_folder / "composer-0").glob("*.mid"))[:4]


def test_the_curve_is_the_loss_on_the_works_after_each_step(run: Run, files: list[Path]) -> None:
    artist = run.adapt(files, steps=3, name="composer")
    assert (artist.name, artist.art, artist.run, artist.steps) == ("composer", "music", run.name, 3)
    assert artist.num_works == len(artist.verdicts) == 4
    support, _ = run.support([metaart.artists.works.work_of(path, run.reads.format) for path in files])
    for steps, loss in enumerate(artist.losses):
        by_hand = run.domain.loss(run.predict(run.adapted(support.examples, steps)), support.examples)
        assert loss == pytest.approx(float(by_hand), rel=1e-6)
    assert len(artist.losses) == 4
    assert artist.losses[0] > artist.losses[-1]
    for name, value in run.adapted(support.examples, 3).items():
        assert torch.equal(run.params(artist)[name], value)


def test_works_that_cannot_be_used_are_passed_over_and_said(run: Run, files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"MThd")
    artist = run.adapt([files[0], broken, files[1]])
    assert [verdict.accepted for verdict in artist.verdicts] == [True, False, True]
    assert "broken.mid" in artist.verdicts[1].reason
    clean = run.adapt([files[0], files[1]])
    assert all(torch.equal(value, clean.weights[name]) for name, value in artist.weights.items())
    with pytest.raises(UserError, match=r"broken\.mid"):
        run.adapt([files[0], broken], strict=True)
    with pytest.raises(UserError, match=r"broken\.mid"):
        run.adapt([broken])


def test_a_saved_artist_creates_the_same(run: Run, files: list[Path], tmp_path: Path) -> None:
    artist = run.adapt(files)
    again = run.artist(artist.save(tmp_path / "a.artist"))
    assert run.create(artist, bars=2, seed=3).data == run.create(again, bars=2, seed=3).data


def test_an_artist_of_another_run_is_refused(run: Run, files: list[Path], tiny_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in tiny_run.iterdir():
        if file.is_file():
            (other / file.name).write_bytes(file.read_bytes())
    config = other / "config.json"
    config.write_text(config.read_text().replace('"seed": 0', '"seed": 1'))
    stranger = load(other)
    assert stranger.hash != run.hash
    artist = run.adapt(files[:1])
    path = artist.save(tmp_path / "a.artist")
    for refused in (lambda: stranger.artist(path), lambda: stranger.create(artist, bars=1)):
        with pytest.raises(UserError, match="an artist of this run"):
            refused()


def test_artists_create_together_what_they_create_alone(run: Run, files: list[Path]) -> None:
    artists = [run.adapt([path]) for path in files[:3]]
    use = run.art.use("create")
    assert use is not None
    requests = [metaart.artists.requests.request_of(use, [artist], {"bars": 2, "seed": seed})
                for seed, artist in enumerate(artists)]  # fmt: skip
    together = [made.data for made in run.make(use, requests)]
    assert together == [run.create(artist, bars=2, seed=seed).data for seed, artist in enumerate(artists)]
    assert run.make(use, []) == []


@pytest.mark.parametrize("steps", [-1, 101, 1.5, True])
def test_steps_that_make_no_sense_are_refused(run: Run, files: list[Path], steps: int) -> None:
    with pytest.raises(UserError, match="0 to 100"):
        run.adapt(files, steps=steps)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"bars": 0}, "bars to be a whole number from 1 to 128"),
        ({"bar": 1}, "unknown key 'bar'"),
        ({"extras": ["poster"]}, "extras among picture"),
        ({"primer": "nowhere.mid"}, "nowhere.mid"),
        ({"steps": 3}, "steps where a run is adapted"),
    ],
)
def test_what_python_asks_is_checked(run: Run, files: list[Path], values: dict[str, object], reason: str) -> None:
    artist = run.adapt(files[:1])
    with pytest.raises(UserError, match=reason):
        run.create(artist, **values)


def test_other_runs_are_named(run: Run, tiny_run: Path) -> None:
    others = run.others([f"a={tiny_run}", f"b={tiny_run}"])
    assert {name: other.folder for name, other in others.items()} == {"a": tiny_run, "b": tiny_run}
    with pytest.raises(UserError, match="two called a"):
        run.others([f"a={tiny_run}", f"a={tiny_run}"])
    with pytest.raises(UserError, match="NAME=RUN"):
        run.others(["runs/a"])


def test_the_pooled_weights_are_those_of_the_file(run: Run, tiny_run: Path) -> None:
    assert run.pooled is not None
    stored = sorted(float(value.sum()) for value in load_tensors(tiny_run / POOLED).values())
    assert sorted(float(value.sum()) for value in run.pooled.values()) == stored


def test_an_art_without_files_says_so(tmp_path: Path) -> None:
    assert ARTS["sinusoid"].works is None
    assert main(["train", "sinusoid", "--out", str(tmp_path / "run"), "--set", "meta.steps=1",
                 "--set", "meta.validation_tasks=2", "--set", "batching.mode=loop"]) == 0  # fmt: skip
    waves = load(tmp_path / "run")
    with pytest.raises(UserError, match="an art that reads files"):
        waves.adapt([b""])
    with pytest.raises(UserError, match="an art that can create"):
        waves.create(waves.__class__)  # type: ignore[arg-type]


def test_the_names_at_the_top_are_there_and_load_nothing_before() -> None:
    import subprocess
    import sys

    asked = "import sys, metaart; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules], dir(metaart))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")
    for name in metaart.__all__:
        assert name in done.stdout
        assert getattr(metaart, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = metaart.nothing  # type: ignore[attr-defined]


def test_the_shipped_run_is_loaded_by_its_art(tmp_path: Path) -> None:
    assert metaart.load("style").folder == metaart.load(None, "style").folder
    with pytest.raises(UserError, match="the rating model that ships"):
        metaart.load("rating")
    with pytest.raises(UserError, match="which is not there"):
        metaart.load(tmp_path / "nowhere")
