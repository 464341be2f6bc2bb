"""The model's batches, without HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metaart.creation.creator import Creator
from metaart.errors import UserError
from metaart.score.compose import ComposeRequest
from serve.orders import Failed, Order, carry_out


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
    first, steps, tokens, _, last = carry_out(creator, orders)

    assert isinstance(alone, bytes)
    assert first == last == alone
    assert isinstance(steps, UserError)
    assert isinstance(tokens, Failed)


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
