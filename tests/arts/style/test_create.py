"""Redrawing photographs, from files to files."""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from metaart.artists.art import Made
from metaart.artists.artist import Artist, blended
from metaart.artists.run import Run
from metaart.arts import load
from metaart.arts.style import StyleOptions
from metaart.cli import main
from metaart.commands.create import targets_of
from metaart.domains.style.measures import shipped_photographs
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels, read_picture, write_png


@pytest.fixture(scope="module")
def run(style_run: Path) -> Run:
    return load(style_run)


@pytest.fixture(scope="module")
def photograph() -> Path:
    return Path(str(resources.files("metaart"))) / "photographs" / "rocket.jpg"


@pytest.fixture(scope="module")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pictures: stripes, dots, a gradient; in PNG, JPEG and WebP."""
    folder, rng = tmp_path_factory.mktemp("paintings"), np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :60]
    arrays = [np.sin(columns) * 100 + 120, rng.integers(0, 255, (40, 60)), rows * 6.0]
    paths = [folder / name for name in ("stripes.png", "dots.jpg", "gradient.webp")]
    for array, path in zip(arrays, paths, strict=True):
        colours = np.stack([array, 255 - array, array * 0.5], -1).astype(np.uint8)
        Image.fromarray(colours).save(path)
    return paths


def pixels_of(path: Path) -> Pixels:
    return read_picture(path.read_bytes())


def test_the_command_writes_a_picture_of_the_photographs_size(
    style_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "new.png"
    command = ["create", "style", "--run", str(style_run), "--out", str(out), "--photographs", str(photograph)]
    assert main([*command, "--examples", *map(str, paintings)]) == 0
    assert "3 examples" in capsys.readouterr().out
    assert pixels_of(out).shape == pixels_of(photograph).shape
    first = out.read_bytes()
    assert main([*command, "--examples", *map(str, paintings)]) == 0
    assert out.read_bytes() == first, "the same files give the same picture"
    assert main([*command, "--examples", str(paintings[0])]) == 0
    assert out.read_bytes() != first, "other pictures give another"


def test_strength_side_and_colour(run: Run, paintings: list[Path], photograph: Path) -> None:
    artist = run.adapt(paintings[:1])

    def create(**wish: object) -> Pixels:
        return read_picture(run.create(artist, photograph=photograph, **wish).data)

    original = pixels_of(photograph)
    assert np.array_equal(create(strength=0.0), original)
    distances = [float(np.abs(create(strength=s).astype(float) - original).mean()) for s in (0.5, 1.0)]
    assert 0 < distances[0] < distances[1]
    assert max(create(side=100).shape) == 100
    own, free = create(keep_colour=True).astype(float), create().astype(float)
    chroma = [float(np.abs((p - p.mean(-1, keepdims=True)) - (original - original.mean(-1, keepdims=True))).mean())
              for p in (own, free)]  # fmt: skip
    assert chroma[0] < 0.5 * chroma[1]


def test_a_blend_is_between_its_hands(run: Run, paintings: list[Path]) -> None:
    one, other = (run.adapt(path, steps=1) for path in paintings[:2])
    small = write_png(shipped_photographs()[0][:64, :64])

    def drawn(artist: Artist) -> NDArray[np.float64]:
        made: Made = run.create(artist, photograph=small)
        return read_picture(made.data).astype(float)

    first, both, second = drawn(one), drawn(blended([one, other])), drawn(other)
    apart = np.abs(first - second).mean()
    assert np.abs(first - both).mean() < apart
    assert np.abs(second - both).mean() < apart
    assert np.array_equal(drawn(blended([one, one])), first)


def test_several_photographs_go_into_a_folder(
    style_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "elsewhere" / photograph.name
    twin.parent.mkdir()
    twin.write_bytes(photograph.read_bytes())
    command = ["create", "style", "--run", str(style_run), "--side", "32", "--steps", "0"]
    command += ["--examples", str(paintings[0]), "--blend", *map(str, paintings[1:]), "--out", str(tmp_path / "out")]
    assert main([*command, "--photographs", str(photograph), str(twin), str(paintings[1])]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01-rocket.png", "02-rocket.png", "dots.png"]
    output = capsys.readouterr().out
    assert f"3 pictures in {tmp_path / 'out'}: in the hand of 3 examples" in output


def test_the_classical_way_redraws_too(
    paintings: list[Path], photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new.png"
    command = ["create", "style", "--method", "gatys", "--steps", "2", "--side", "32", "--out", str(out)]
    command += ["--examples", *map(str, paintings[:2]), "--photographs", str(photograph)]
    assert main(command) == 0
    assert max(pixels_of(out).shape) == 32
    assert main([*command, "--loss-network", "vgg19:nowhere.pth"]) == 2
    assert "nowhere.pth" in capsys.readouterr().err


def test_an_artist_redraws_what_its_works_would(
    style_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Adapted once and kept, or adapted in the same command: the same picture; two artists are a blend."""
    common = ["--run", str(style_run)]
    shown = ["--photographs", str(photograph), "--side", "64"]
    for name, paths in (("one", paintings[:2]), ("two", paintings[2:])):
        out = str(tmp_path / f"{name}.artist")
        assert main(["adapt", "style", *common, "--examples", *map(str, paths), "--out", out]) == 0
        output = capsys.readouterr().out
        assert f"{len(paths)} of {len(paths)} works, 2 steps in" in output
        assert "loss on the works by step" in output
    one, two = (str(tmp_path / f"{name}.artist") for name in ("one", "two"))

    def created(*words: str) -> bytes:
        out = tmp_path / "new.png"
        assert main(["create", "style", *common, *words, *shown, "--out", str(out)]) == 0
        return out.read_bytes()

    works = ["--examples", *map(str, paintings[:2])]
    assert created("--artist", one) == created(*works)
    assert created("--artist", one, two) == created(*works, "--blend", str(paintings[2]))
    assert created("--artist", one) != created("--artist", two)
    assert main(["create", "style", *shown, "--artist", one]) == 2
    assert "an artist of this run" in capsys.readouterr().err


def test_what_cannot_be_done_is_refused(
    run: Run, style_run: Path, tiny_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    tiny = tmp_path / "tiny.png"
    tiny.write_bytes(write_png(np.zeros((1, 1, 3), np.uint8)))
    animated = io.BytesIO()
    frames = [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (0, 99)]
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])
    moving = tmp_path / "moving.webp"
    moving.write_bytes(animated.getvalue())
    for works in ([text], [tiny], [moving], paintings * 7, []):
        with pytest.raises(UserError):
            run.adapt(works)
    good = {"--examples": [paintings[0]], "--photographs": [photograph], "--out": [tmp_path / "new.png"],
            "--run": [style_run]}  # fmt: skip
    for wrong in (
        {"--photographs": [text]}, {"--photographs": [tmp_path / "missing.jpg"]}, {"--run": [tiny_run]},
        {"--out": [tmp_path / "new.jpg"]}, {"--photographs": [photograph] * 2}, {"--loss-network": ["random-vgg"]},
        {"--steps": [-1]}, {"--steps": [101]}, {"--photographs": [photograph, text], "--out": [tmp_path / "some"]},
    ):  # fmt: skip
        words = [str(word) for flag, values in {**good, **wrong}.items() for word in (flag, *values)]
        assert main(["create", "style", *words]) == 2, wrong
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moving.webp", "text.png", "tiny.png"]
    for side in (8, 4096):
        with pytest.raises(UserError, match="side"):
            StyleOptions(side=side)
    with pytest.raises(UserError, match="a folder as --out"):
        targets_of([photograph] * 2, Path("new.png"), ".png")


def test_adapting_lowers_the_loss_on_what_it_adapts_to(run: Run, paintings: list[Path]) -> None:
    losses = run.adapt(paintings[0], steps=5).losses
    assert losses[-1] < losses[0]
