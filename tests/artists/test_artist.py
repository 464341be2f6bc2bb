"""An artist is a value: it goes to a file and back, belongs to one run, and mixes with others of that run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metaart.artists.artist import Artist, Verdict, blended, checked, read_artist
from metaart.errors import UserError, WrongFormat

SHAPES = {"a.weight": torch.Size((2, 3)), "b": torch.Size((2,))}


def artist(seed: int = 0, **changes: object) -> Artist:
    """An artist with random weights."""
    generator = torch.Generator().manual_seed(seed)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    beside = {"statistics": torch.randn(4, generator=generator)}
    made = Artist(
        "style", "run", "hash", f"artist {seed}", weights, beside, {},
        (Verdict("a.png", True), Verdict("b.png", False, "no picture")), (2.0, 1.5, 1.25), 2, 0.5,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def equal(one: Artist, other: Artist) -> bool:
    tensors = all(
        torch.equal(mine[name], value) and len(mine) == len(theirs)
        for mine, theirs in ((one.weights, other.weights), (one.beside, other.beside))
        for name, value in theirs.items()
    )
    plain = ("art", "run", "run_hash", "name", "notes", "verdicts", "losses", "steps", "seconds")
    return tensors and all(getattr(one, name) == getattr(other, name) for name in plain)


def test_it_goes_to_a_file_and_back(tmp_path: Path) -> None:
    for saved in (artist(), artist(1, notes={"hands": ["Zoë", "北斎"], "names": []}, losses=(), verdicts=())):
        path = saved.save(tmp_path / "deep" / "a.artist")
        assert equal(read_artist(path), saved)
        assert [file.name for file in path.parent.iterdir()] == ["a.artist"], "nothing is left of writing it"


def test_only_works_that_were_learned_from_are_counted() -> None:
    assert artist().num_works == 1
    table = artist().table()
    assert "- b.png: no picture" in table
    assert "2.0000 1.5000 1.2500" in table
    assert "loss" not in artist(losses=()).table()


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_artist_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.artist"
    path.write_bytes(data)
    with pytest.raises(UserError):
        read_artist(path)


def test_a_damaged_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = artist().save(tmp_path / "a.artist")
    data = path.read_bytes()
    for end in range(0, len(data), 37):
        path.write_bytes(data[:end])
        with pytest.raises(WrongFormat, match="none or damaged"):
            read_artist(path)


def test_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.artist"
    with pytest.raises(UserError, match="metaart adapt"):
        read_artist(path)
    path.write_bytes(safetensors.torch.save({"weights/a": torch.zeros(1)}))
    with pytest.raises(WrongFormat):
        read_artist(path)
    saved = artist().save(path).read_bytes()
    header = json.loads(saved[8 : 8 + int.from_bytes(saved[:8], "little")])
    rest = json.loads(header["__metadata__"]["metaart"])
    tensors = safetensors.torch.load(saved)
    for changed, reason in (
        ({"format": 99}, "format 99"),
        ({"verdicts": [[1]]}, "damaged"),
        ({"losses": ["x"]}, "damaged"),
    ):
        metadata = {"metaart": json.dumps({**rest, **changed})}
        path.write_bytes(safetensors.torch.save(tensors, metadata=metadata))
        with pytest.raises(UserError, match=reason):
            read_artist(path)
    tensors["weights/b"] = torch.full((2,), torch.nan)
    path.write_bytes(safetensors.torch.save(tensors, metadata=header["__metadata__"]))
    with pytest.raises(WrongFormat, match="ValueError"):
        read_artist(path)


def test_it_belongs_to_one_run() -> None:
    assert checked(artist(), "hash", SHAPES) is not None
    with pytest.raises(UserError, match="an artist of this run"):
        checked(artist(), "other", SHAPES)
    with pytest.raises(UserError, match="an artist of this run"):
        checked(artist(), "hash", {**SHAPES, "b": torch.Size((3,))})


def test_a_blend_is_the_mean_or_what_the_shares_say() -> None:
    one, other = artist(0), artist(1)
    even, mostly = blended([one, other]), blended([one, other], [3, 1])
    for name in SHAPES:
        assert torch.equal(even.weights[name], torch.stack([one.weights[name], other.weights[name]]).mean(0))
        torch.testing.assert_close(mostly.weights[name], 0.75 * one.weights[name] + 0.25 * other.weights[name])
    torch.testing.assert_close(
        mostly.beside["statistics"], 0.75 * one.beside["statistics"] + 0.25 * other.beside["statistics"]
    )
    assert even.name == "artist 0 + artist 1"
    assert even.num_works == 2
    assert blended([one]) is one
    assert equal(blended([one, one]), dataclasses.replace(one, name="artist 0 + artist 0", losses=(), seconds=1.0,
                                                          verdicts=one.verdicts * 2))  # fmt: skip


@pytest.mark.parametrize(
    ("artists", "shares", "reason"),
    [
        ([], None, "one artist or more"),
        ([artist(), artist(1)], [1.0], "share above 0"),
        ([artist(), artist(1)], [1.0, 0.0], "share above 0"),
        ([artist(), artist(1, run_hash="other")], None, "of one run"),
        ([artist(), artist(1, notes={"hands": ["a"]})], None, "sets of examples"),
    ],
)
def test_what_does_not_mix_is_refused(artists: list[Artist], shares: list[float] | None, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        blended(artists, shares)
