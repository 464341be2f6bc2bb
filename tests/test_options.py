"""What a text says for a field, and what of it is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaart.errors import UserError
from metaart.options import described, from_plain, from_text, option, options


@options()
class Places:
    path: Path = option(help="where it is")
    other: Path | None = option(default=None, usual="nowhere", help="where else it is")


@pytest.mark.parametrize("text", ["music", "a folder/b", "1234", "null", "true", '["a"]', "-x"])
@pytest.mark.parametrize("name", ["path", "other"])
def test_a_text_is_a_path_whatever_it_looks_like(name: str, text: str) -> None:
    assert from_text(Places, name, text) == Path(text)
    values = Places(**{"path": Path("first"), name: from_text(Places, name, text)})
    assert getattr(values, name) == Path(text)


def test_a_path_in_json_is_a_text() -> None:
    assert from_plain(Places, {"path": "a/b"}) == Places(path=Path("a/b"))


@pytest.mark.parametrize("wrong", [3, True, ["a"], None])
def test_what_is_no_path_is_refused(wrong: object) -> None:
    with pytest.raises(UserError, match="expected path to be a path; got"):
        from_plain(Places, {"path": wrong})


def test_a_path_that_must_be_given_says_what_it_is() -> None:
    with pytest.raises(UserError, match=r"expected path to be given \(where it is\)"):
        Places()  # type: ignore[call-arg]
    assert [field.default for field in described(Places).values()] == [..., None]
