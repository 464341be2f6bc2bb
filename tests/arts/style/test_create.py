"""Redrawing photographs, from files to files."""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from metaart.artists.run import Creator
from metaart.arts.style.create import Wish, adapt_to, blended, create_style, painter
from metaart.arts.style.finish import Stylisation
from metaart.cli import main
from metaart.domains.style.measures import shipped_photographs
from metaart.errors import UserError
from metaart.formats.pictures.read import Pixels, read_picture, write_png


@pytest.fixture(scope="module")
def creator(style_run: Path) -> Creator:
    return Creator(style_run)


@pytest.fixture(scope="module")
def photograph() -> Path:
    return Path(str(resources.files("metaart"))) / "style" / "photographs" / "rocket.jpg"


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


def test_strength_side_and_colour(style_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path) -> None:
    def create(**wish: object) -> Pixels:
        create_style(
            examples=[paintings[:1]],
            photographs=[photograph],
            out=tmp_path / "new.png",
            run=style_run,
            wish=Wish(**wish),  # type: ignore[arg-type]
        )
        return pixels_of(tmp_path / "new.png")

    original = pixels_of(photograph)
    assert np.array_equal(create(strength=0.0), original)
    distances = [float(np.abs(create(strength=s).astype(float) - original).mean()) for s in (0.5, 1.0)]
    assert 0 < distances[0] < distances[1]
    assert max(create(side=100).shape) == 100
    kept, free = create(keep_colour=True).astype(float), create().astype(float)
    chroma = [float(np.abs((p - p.mean(-1, keepdims=True)) - (original - original.mean(-1, keepdims=True))).mean())
              for p in (kept, free)]  # fmt: skip
    assert chroma[0] < 0.5 * chroma[1]


def test_a_blend_is_between_its_hands(creator: Creator, paintings: list[Path]) -> None:
    one, other = (adapt_to(creator, [path.read_bytes()], steps=1) for path in paintings[:2])
    pixels = shipped_photographs()[0][:64, :64]
    drawn = [painter(creator, hand)(pixels).astype(float) for hand in (one, blended([one, other]), other)]
    apart = np.abs(drawn[0] - drawn[2]).mean()
    assert np.abs(drawn[0] - drawn[1]).mean() < apart
    assert np.abs(drawn[2] - drawn[1]).mean() < apart
    assert np.array_equal(painter(creator, blended([one, one]))(pixels), drawn[0])


def test_several_photographs_go_into_a_folder(
    style_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "elsewhere" / photograph.name
    twin.parent.mkdir()
    twin.write_bytes(photograph.read_bytes())
    said = create_style(
        examples=[paintings[:1], paintings[1:]],
        photographs=[photograph, twin, paintings[1]],
        out=tmp_path / "out",
        run=style_run,
        wish=Wish(side=32, steps=0),
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01-rocket.png", "02-rocket.png", "dots.png"]
    assert "3 pictures" in said


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


def test_the_creator_renders_what_the_painter_paints(creator: Creator, paintings: list[Path]) -> None:
    """The way of the service, in double precision, and that of the command."""
    files, pixels = [path.read_bytes() for path in paintings], shipped_photographs()[0][:50, :70]
    hand = adapt_to(creator, files)
    (png,) = creator.render([hand.params], [Stylisation(pixels, hand.statistics)])
    assert np.abs(read_picture(png).astype(int) - painter(creator, hand)(pixels)).max() <= 1


def test_what_cannot_be_done_is_refused(
    style_run: Path, tiny_run: Path, paintings: list[Path], photograph: Path, tmp_path: Path
) -> None:
    good = {"examples": [paintings[:1]], "photographs": [photograph], "out": tmp_path / "new.png", "run": style_run}
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    tiny = tmp_path / "tiny.png"
    tiny.write_bytes(write_png(np.zeros((1, 1, 3), np.uint8)))
    animated = io.BytesIO()
    frames = [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (0, 99)]
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])
    moving = tmp_path / "moving.webp"
    moving.write_bytes(animated.getvalue())
    for wrong in (
        {"examples": [[text]]}, {"examples": [[tiny]]}, {"examples": [[moving]]}, {"examples": [paintings * 7]},
        {"photographs": [text]}, {"photographs": [tmp_path / "missing.jpg"]}, {"run": tiny_run},
        {"out": tmp_path / "new.jpg"}, {"photographs": [photograph] * 2}, {"loss_network": "random-vgg"},
        {"wish": Wish(steps=-1)},
    ):  # fmt: skip
        with pytest.raises(UserError):
            create_style(**{**good, **wrong})  # type: ignore[arg-type]
    for side in (8, 4096):
        with pytest.raises(UserError, match="side"):
            Wish(side=side)


def test_adapting_lowers_the_loss_on_what_it_adapts_to(creator: Creator, paintings: list[Path]) -> None:
    support = creator.domain.read([paintings[0].read_bytes()])
    with torch.no_grad():
        before, after = (float(creator.domain.loss(creator.predict(creator.adapt(support, steps)), support))
                         for steps in (0, 5))  # fmt: skip
    assert after < before
