"""The model's batches, without HTTP."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from metaart.artists.run import Creator
from metaart.arts.music.compose import ComposeRequest
from metaart.errors import UserError
from serve.orders import Asked, Failed, Order, TooLate, carry_out, carry_out_wanted, one_by_one


@pytest.fixture(scope="module")
def creator(tiny_run: Path) -> Creator:
    return Creator(tiny_run)


def test_what_is_wrong_with_an_order_stays_with_it(creator: Creator, examples: tuple[bytes, ...]) -> None:
    support, wish = creator.domain.read(examples), ComposeRequest(bars=2)
    good = Order(support, wish)
    outside = int(creator.domain.vocabulary.size)
    orders = [
        good,
        Order(support, wish, steps=-1),
        Order({"tokens": torch.full((1, 8), outside)}, wish),
        Order({"tokens": torch.zeros(0, 48, dtype=torch.int64), "more": torch.zeros(1)}, wish),
        good,
    ]

    (alone,) = carry_out(creator, [good])
    (unadapted,) = carry_out(creator, [Order(support, wish, steps=0)])
    first, steps, tokens, empty, last = carry_out(creator, orders)

    assert isinstance(alone, bytes)
    assert first == last == alone != unadapted
    assert isinstance(steps, UserError)
    assert tokens == Failed("IndexError")
    assert empty == unadapted, "where there is no work there is nothing to learn"


def test_a_wish_that_breaks_the_batch_breaks_no_other_piece(
    creator: Creator, examples: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    support = creator.domain.read(examples[:1])
    outside = int(creator.domain.vocabulary.size)
    good = Order(support, ComposeRequest(bars=2, seed=5), steps=1)
    poison = Order(support, ComposeRequest(bars=2, primer=(1, outside)))

    (alone,) = carry_out(creator, [good])
    first, broken, last = carry_out(creator, [good, poison, good])

    assert first == last == alone
    assert isinstance(broken, Failed)
    assert "could not be created together" in caplog.text


def test_an_empty_batch_of_usable_orders_is_no_error(creator: Creator, examples: tuple[bytes, ...]) -> None:
    order = Order(creator.domain.read(examples), ComposeRequest(), steps=101)
    (answer,) = carry_out(creator, [order])
    assert isinstance(answer, UserError)


def test_what_nobody_waits_for_any_more_is_not_computed() -> None:
    later, computed = time.monotonic() + 60, []

    def work(order: str) -> bytes:
        computed.append(order)
        return order.encode()

    asked = [Asked("one", later), Asked("gone", later, abandoned=True), Asked("late", 0.0), Asked("two", later)]
    assert carry_out_wanted(partial(one_by_one, work), asked) == [b"one", TooLate(), TooLate(), b"two"]
    assert computed == ["one", "two"]


def test_who_hangs_up_meanwhile_is_not_composed_for(
    creator: Creator, examples: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order(creator.domain.read(examples[:1]), ComposeRequest(bars=1))
    (alone,) = carry_out(creator, [order])
    asked = [Asked(order, time.monotonic() + 600) for _ in range(3)]
    adapted, rendered, adapt, render = [], [], creator.adapt, creator.render

    def adapt_while_others_hang_up(*arguments: Any) -> Any:
        adapted.append(1)
        asked[1].abandoned = True  # before its turn
        asked[2].abandoned = len(adapted) == 2  # after it
        return adapt(*arguments)

    def count(params: Any, wishes: Any) -> list[bytes]:
        rendered.append(len(wishes))
        return render(params, wishes)

    monkeypatch.setattr(creator, "adapt", adapt_while_others_hang_up)
    monkeypatch.setattr(creator, "render", count)
    assert carry_out_wanted(partial(carry_out, creator), asked) == [alone, TooLate(), TooLate()]
    assert len(adapted) == 2
    assert rendered == [1]
