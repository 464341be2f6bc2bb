"""What may be asked of an evaluation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaart.errors import UserError
from metaart.evaluation.options import AdaptationOptions, EvaluateOptions, check_steps_reported
from metaart.options import described, from_plain


def test_most_arts_take_what_every_evaluation_takes_and_more() -> None:
    common, most = described(EvaluateOptions), described(AdaptationOptions)
    assert list(most)[: len(common)] == list(common) == ["data", "also", "episodes"]
    assert [most[name] for name in common] == list(common.values())
    assert all(field.default is not ... for field in most.values()), "an evaluation can be asked for without a word"


@given(st.lists(st.integers(-3, 20)))
def test_steps_are_some_numbers_from_0(steps: list[int]) -> None:
    if steps and all(number >= 0 for number in steps):
        check_steps_reported(tuple(steps))
        assert from_plain(AdaptationOptions, {"steps": steps}) == AdaptationOptions(steps=tuple(steps))
        return
    for ask in (
        lambda: check_steps_reported(tuple(steps)),
        lambda: AdaptationOptions(steps=tuple(steps)),
        lambda: from_plain(AdaptationOptions, {"steps": steps}),
    ):
        with pytest.raises(UserError, match="numbers of steps from 0; got steps="):
            ask()


@pytest.mark.parametrize(("name", "least"), [("episodes", 2), ("validation_episodes", 2)])
def test_an_interval_takes_two_episodes(name: str, least: int) -> None:
    assert getattr(AdaptationOptions(**{name: least}), name) == least
    with pytest.raises(UserError, match=f"{name} to be a whole number from {least} up"):
        AdaptationOptions(**{name: least - 1})
