"""What every registered art owes those who use it: Python code, the command line, the service."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from metaart.artists.art import Made, Use
from metaart.artists.artist import blended
from metaart.artists.requests import artists_of, request_of
from metaart.artists.works import Work, works_from
from metaart.arts import ARTS
from metaart.cli import main
from metaart.commands.works_flags import flag_of
from metaart.config import override, to_json
from metaart.domains import DOMAINS
from metaart.errors import TooLarge, UserError
from metaart.formats.base import JSON
from metaart.options import described, from_plain
from tests.contract.arts import Stock, check_format, data_of, make_stock, numbers_beyond, recipe_of

OFFERED = [name for name, art in ARTS.items() if art.works is not None]
USES = [(name, use.verb) for name in OFFERED for use in ARTS[name].uses]
JUNK = b"\xff\x00 this is no work of any art"


@pytest.fixture(scope="module")
def stocks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stock]:
    """Works and an untrained run of every art, made when first asked for."""

    class Made(dict[str, Stock]):
        def __missing__(self, art: str) -> Stock:
            data = data_of(art, request)
            assert data is not None
            self[art] = make_stock(art, data, tmp_path_factory.mktemp(art))
            return self[art]

    return Made()


@pytest.fixture
def stock(art: str, stocks: dict[str, Stock]) -> Stock:
    return stocks[art]


@pytest.fixture
def use(art: str, verb: str) -> Use:
    return next(use for use in ARTS[art].uses if use.verb == verb)


offered = pytest.mark.parametrize("art", OFFERED)
every_use = pytest.mark.parametrize(("art", "verb"), USES)


def test_every_domain_is_an_art_of_its_name() -> None:
    assert set(ARTS) == set(DOMAINS)
    for name, art in ARTS.items():
        assert art.name == name
        assert art.about
        assert len({use.verb for use in art.uses}) == len(art.uses)
        files = (
            ["adapt"] * (art.works is not None) + [use.verb for use in art.uses] + ["evaluate"] * bool(art.evaluation)
        )
        for file in files:
            functions = ("read", "support") if file == "adapt" else (file,)
            assert all(callable(getattr(import_module(f"{art.home}.{file}"), function)) for function in functions)


def made_of(stock: Stock, use: Use, first: int = 0, **more: Any) -> Made:
    """What comes of a use, of the works of some hands."""
    works = works_from(stock.works(use.works, first), use.works)
    artists = artists_of(stock.run, use, works)
    asked = {**stock.options(use), **stock.files(use), **more}
    asked.pop("steps", None)
    (made,) = stock.run.make(use, [request_of(use, artists, asked)])
    return made


@offered
def test_it_adapts_to_works_and_says_what_became_of_each(art: str, stock: Stock) -> None:
    works = works_from(stock.works(stock.run.reads), stock.run.reads)
    artist = stock.run.adapt_works(works, losses=True, name="somebody")
    assert (artist.name, artist.art, artist.run_hash) == ("somebody", art, stock.run.hash)
    assert [verdict.accepted for verdict in artist.verdicts] == [True] * len(works)
    assert len(artist.losses) == artist.steps + 1
    assert artist.num_works == len(works)
    assert set(artist.weights) == set(stock.run.algorithm.moving)
    assert all(bool(value.isfinite().all()) for value in artist.weights.values())


@offered
def test_a_work_that_is_none_is_passed_over_or_refused(art: str, stock: Stock) -> None:
    works = works_from(stock.works(stock.run.reads), stock.run.reads)
    junk = works[0]._replace(name="junk", data=JUNK)
    artist = stock.run.adapt_works([*works, junk], strict=False)
    assert [verdict.name for verdict in artist.verdicts if not verdict.accepted] == ["junk"]
    assert artist.verdicts[-1].reason
    clean = stock.run.adapt_works(works)
    assert all(torch.equal(value, clean.weights[name]) for name, value in artist.weights.items())
    for refused in ([*works, junk], [junk] * len(works), []):
        with pytest.raises(UserError):
            stock.run.adapt_works(refused)
    with pytest.raises(TooLarge):
        stock.run.adapt_works(works * stock.run.reads.most)


@every_use
def test_what_it_makes_is_of_its_format_and_comes_again(stock: Stock, use: Use) -> None:
    made, again = made_of(stock, use), made_of(stock, use)
    check_format(use.makes, made.data)
    if use.makes is JSON:
        assert isinstance(json.loads(made.data), dict)
    assert made.data == again.data
    assert made.words
    assert made.words == again.words


@every_use
def test_all_that_can_be_made_beside_is_made_if_asked(stock: Stock, use: Use) -> None:
    names = [extra.name for extra in use.extras]
    assert made_of(stock, use).extras == {}
    made = made_of(stock, use, extras=names)
    assert sorted(made.extras) == sorted(names)
    for extra in use.extras:
        check_format(extra.format, made.extras[extra.name])


@every_use
def test_what_is_asked_beside_others_is_what_is_asked_alone(stock: Stock, use: Use) -> None:
    requests = []
    for first in (0, 1):
        artists = artists_of(stock.run, use, works_from(stock.works(use.works, first), use.works))
        asked = {**stock.options(use), **stock.files(use)}
        asked.pop("steps", None)
        requests.append(request_of(use, artists, asked))
    together = stock.run.make(use, requests)
    assert [made.data for made in together] == [stock.run.make(use, [request])[0].data for request in requests]
    assert stock.run.make(use, []) == []


@every_use
def test_a_saved_artist_makes_the_same(stock: Stock, use: Use, tmp_path: Path) -> None:
    artists = artists_of(stock.run, use, works_from(stock.works(use.works), use.works))
    again = [stock.run.artist(artist.save(tmp_path / f"{number}.artist")) for number, artist in enumerate(artists)]
    asked = {**stock.options(use), **stock.files(use)}
    asked.pop("steps", None)
    one, other = (stock.run.make(use, [request_of(use, each, asked)])[0] for each in (artists, again))
    assert one.data == other.data


@offered
def test_artists_blend_where_the_art_says_so(art: str, stock: Stock) -> None:
    artists = [stock.run.adapt(stock.works(stock.run.reads, first)) for first in (0, 1)]
    use = ARTS[art].use("create")
    if not ARTS[art].blends:
        with pytest.raises(UserError):
            blended(artists)
        return
    assert use is not None
    both = blended(artists, [1, 3])
    asked = {**stock.options(use), **stock.files(use)}
    asked.pop("steps", None)
    (made,) = stock.run.make(use, [request_of(use, [both], asked)])
    check_format(use.makes, made.data)


@every_use
def test_options_out_of_range_are_refused_by_name(use: Use) -> None:
    for name, value in numbers_beyond(use.options):
        with pytest.raises(UserError) as caught:
            from_plain(use.options, {name: value})
        assert name in caught.value.expected
        assert caught.value.fix
    with pytest.raises(UserError, match="nonsense"):
        from_plain(use.options, {"nonsense": 1})


@every_use
def test_a_file_that_is_none_is_refused_in_every_place(stock: Stock, use: Use) -> None:
    for entry in use.inputs:
        with pytest.raises(UserError):
            made_of(stock, use, **{entry.name: Work("junk", JUNK)})
        if entry.required:
            with pytest.raises(UserError, match=entry.name):
                made_of(stock, use, **{entry.name: None})


@every_use
def test_the_command_line_makes_what_python_code_makes(
    art: str, stock: Stock, use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flag, works = flag_of(use.works), stock.works(use.works)
    examples: list[Any] = [stock.folder] if use.works.labels == "hands" else list(works)
    if use.works.labels == "scores":
        table = tmp_path / "scores.csv"
        table.write_text("file,score\n" + "".join(f"{path.name},{score}\n" for path, score in works))
        for path, _ in works:
            (tmp_path / path.name).write_bytes(path.read_bytes())
        examples = [table]
    out = tmp_path / f"new{use.makes.suffixes[0]}"
    words = ["create", use.commands[0], "--run", stock.run.folder, flag.flag, *examples, f"--{use.out}", out]
    asked = {name: value for name, value in stock.options(use).items() if name != "steps"}
    for name, value in asked.items():
        words += [described(use.options)[name].flag, value] if not isinstance(value, bool) else []
    for name, path in stock.files(use).items():
        words += ["--" + (next(entry.flag for entry in use.inputs if entry.name == name) or name), path]
    assert main([str(word) for word in words]) == 0
    assert capsys.readouterr().out
    check_format(use.makes, out.read_bytes())
    if use.works.labels == "none":
        assert out.read_bytes() == made_of(stock, use).data
        artist = tmp_path / "a.artist"
        assert (
            main(["adapt", art, "--run", str(stock.run.folder), flag.flag, *map(str, examples), "--out", str(artist)])
            == 0
        )
        index = words.index(flag.flag)
        again = [*words[:index], "--artist", artist, *words[index + 1 + len(examples) :]]
        once = out.read_bytes()
        assert main([str(word) for word in again]) == 0
        assert out.read_bytes() == once


@offered
def test_its_recipe_is_shown_and_set(art: str) -> None:
    config = recipe_of(art)
    assert override(config, ["seed=3"]).seed == 3
    assert json.loads(to_json(config))["domain"]["kind"] == art
