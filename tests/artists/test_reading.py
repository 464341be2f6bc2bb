"""Works are read with a verdict on each, by an art that takes a work where it says `good`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metaart.artists.artist import Support, Verdict
from metaart.artists.reading import read_works
from metaart.artists.works import Work, WorksInput
from metaart.errors import TooLarge, UserError
from metaart.formats.base import Format

DOMAIN: Any = object()


def at_most_nine_bytes(files: Sequence[bytes], names: Sequence[str]) -> None:
    """All files in sum, as a format counts what is in them before it reads them."""
    if sum(map(len, files)) > 9:
        raise TooLarge(expected="9 bytes in all", got=", ".join(names), fix="Leave some out.")


NOTES = Format("a note", "notes", "NOTE", "text/plain", (".txt",), at_most_nine_bytes)


class Notes:
    """An art of notes."""

    def read(self, domain: Any, work: Work) -> str:
        assert domain is DOMAIN
        if b"good" not in work.data:
            raise UserError(expected="something good", got=work.name, fix="Mend it.")
        return work.data.decode()

    def support(self, domain: Any, read: Sequence[str], works: Sequence[Work]) -> Support:
        assert domain is DOMAIN
        lengths = torch.tensor([len(text) for text in read])
        return Support({"lengths": lengths}, notes={"read": list(read), "of": [work.name for work in works]})


class Unread(Notes):
    """The same, of which nothing may be read."""

    def read(self, domain: Any, work: Work) -> str:
        pytest.fail("read")


class Small(Notes):
    """The same, which itself refuses what is too much."""

    def read(self, domain: Any, work: Work) -> str:
        NOTES.check([work.data], [work.name])
        return super().read(domain, work)


ART = Notes()


def works_of(*texts: str) -> list[Work]:
    return [Work(f"{index}.txt", text.encode()) for index, text in enumerate(texts)]


@given(st.lists(st.sampled_from(["good", "bad", "a good one", ""]), max_size=12), st.integers(0, 4))
def test_what_can_be_used_is_and_every_work_has_its_verdict(texts: list[str], least: int) -> None:
    works, wanted = works_of(*texts), WorksInput(NOTES, least=least, most=12)
    good = [work for work in works if b"good" in work.data]
    if len(good) < least:
        with pytest.raises(UserError) as caught:
            read_works(ART, DOMAIN, wanted, works, strict=False)
        first_bad = next((work.name for work in works if work not in good), None)
        assert caught.value.got == (str(len(works)) if len(works) < least else first_bad)
        return
    what, verdicts = read_works(ART, DOMAIN, wanted, works, strict=False)
    assert what.notes == {"read": [work.data.decode() for work in good], "of": [work.name for work in good]}
    assert what.examples["lengths"].tolist() == [len(work.data) for work in good]
    assert [(verdict.name, verdict.accepted) for verdict in verdicts] == [(work.name, work in good) for work in works]
    assert all(verdict.accepted or f"got {verdict.name}. Mend it." in verdict.reason for verdict in verdicts)


def test_one_that_cannot_be_used_refuses_all_where_nothing_may_be_passed_over() -> None:
    works = works_of("good", "bad", "worse")
    with pytest.raises(UserError, match=r"something good; got 1\.txt"):
        read_works(ART, DOMAIN, WorksInput(NOTES), works, strict=True)
    what, verdicts = read_works(ART, DOMAIN, WorksInput(NOTES), works[:1], strict=True)
    assert (what.notes["of"], verdicts) == (["0.txt"], (Verdict("0.txt", True),))


@pytest.mark.parametrize("strict", [False, True])
def test_they_are_counted_before_the_first_is_read(strict: bool) -> None:
    unread, wanted = Unread(), WorksInput(NOTES, least=2, most=3)
    with pytest.raises(UserError, match="2 to 3 notes as examples; got 1") as caught:
        read_works(unread, DOMAIN, wanted, works_of("good"), strict=strict)
    assert not isinstance(caught.value, TooLarge)
    with pytest.raises(TooLarge, match="got 4"):
        read_works(unread, DOMAIN, wanted, works_of(*["good"] * 4), strict=strict)
    with pytest.raises(TooLarge, match=r"9 bytes in all; got 0\.txt, 1\.txt, 2\.txt"):
        read_works(unread, DOMAIN, wanted._replace(counted=True), works_of(*["good"] * 3), strict=strict)


def test_a_work_that_is_too_much_by_itself_does_not_count_where_it_may_be_passed_over() -> None:
    """It is then for the art to refuse it, with the reason in its verdict."""
    art, wanted = Small(), WorksInput(NOTES, counted=True)
    works = works_of("good", "good but too long", "good")
    what, verdicts = read_works(art, DOMAIN, wanted, works, strict=False)
    assert what.notes["of"] == ["0.txt", "2.txt"]
    assert [verdict.accepted for verdict in verdicts] == [True, False, True]
    assert "9 bytes in all" in verdicts[1].reason
    with pytest.raises(TooLarge):
        read_works(art, DOMAIN, wanted, works, strict=True)
