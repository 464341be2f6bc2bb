"""What an art is asked and what it answers, as values; what it does, in files that are loaded when they are needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from metaart.artists.art import Art, Made, Request, Use
from metaart.artists.works import Work, WorksInput
from metaart.errors import UserError
from metaart.formats.base import JSON

FILES = {
    "__init__": "",
    "adapt": """
def read(domain, work): return domain, work
def support(domain, read, works): return domain, read, works
""",
    "create": "def create(run, requests): return ['created', run, requests]",
    "judge": "def judge(run, requests): return ['judged', run, requests]",
    "evaluate": "def evaluate(run, asked, out, keep): return run, asked, out, keep",
}


def use(verb: Any) -> Use:
    return Use(
        verb=verb, about="", story="", options=Request, example={}, works=WorksInput(JSON), inputs=(), makes=JSON,
        commands=(),
    )  # fmt: skip


def art(*verbs: str, home: str = "nowhere") -> Art:
    return Art("a", home, "", uses=tuple(map(use, verbs)))


def test_creating_is_judging_where_nothing_is_created() -> None:
    both, judge = art("judge", "create"), art("judge")
    assert both.use("create") is both.uses[1]
    assert both.use("judge") is both.uses[0]
    assert judge.use("create") is judge.uses[0]
    assert art("create").use("judge") is None
    assert art().use("create") is None


def test_what_an_art_does_is_found_by_name_and_loaded_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = "an_art_of_letters"
    (tmp_path / home).mkdir()
    for name, text in FILES.items():
        (tmp_path / home / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    letters, anything = art("create", "judge", home=home), [object() for _ in range(4)]
    domain: Any = anything[0]
    run: Any = anything[1]
    work = Work("a", b"")
    assert not [name for name in sys.modules if name.startswith(home)]
    assert letters.read(domain, work) == (domain, work)
    assert letters.support(domain, ["read"], [work]) == (domain, ["read"], [work])
    assert sorted(name for name in sys.modules if name.startswith(home)) == [home, f"{home}.adapt"]
    for index, verb in enumerate(("created", "judged")):
        assert letters.make(letters.uses[index], run, []) == [verb, run, []]
    assert letters.evaluate(run, anything[2], tmp_path, print) == (run, anything[2], tmp_path, print)


def test_a_use_needs_a_run_unless_it_says_otherwise() -> None:
    assert use("create").without_run(object()) is False


@pytest.mark.parametrize("artists", [[], ["one", "other"]])
def test_a_request_has_the_one_artist_or_none_in_particular(artists: Any) -> None:
    one: Any = ["one"]
    assert Request(one, None).artist == "one"
    with pytest.raises(ValueError, match="values to unpack"):
        _ = Request(artists, None).artist


def test_what_is_made_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    assert Made(b"{}", "nothing").save(str(path)) == path
    assert path.read_bytes() == b"{}"
    with pytest.raises(UserError, match="a file that can be written"):
        Made(b"", "").save(path / "b.json")
