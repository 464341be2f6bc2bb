"""The replica's batches, without HTTP."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from metaart.artists.art import Made
from metaart.artists.works import Work
from metaart.arts import ARTS, load
from metaart.errors import UserError, WrongFormat
from serve.orders import Answer, Asked, Failed, Order, TooLate, carry_out, carry_out_wanted
from tests.serve.letters import LetterOptions, Run, WhoseOptions, letter


def write(*texts: str, tone: str = "warm", signature: str = "", **values: Any) -> Order:
    files = {"signature": letter(signature)} if signature else {}
    return Order("letters", tuple(map(letter, texts)), files, LetterOptions(tone=tone, **values))


def carried(run: Run, *orders: Order) -> list[Answer]:
    return carry_out(run, orders)  # type: ignore[arg-type]


def data_of(answer: Answer) -> bytes:
    assert isinstance(answer, Made)
    return answer.data


def test_each_order_is_adapted_to_and_all_are_made_together() -> None:
    run = Run()
    first, second = carried(run, write("a", "b", steps=2, copies=2), write("c", signature="Ann"))
    assert data_of(first) == b"[a b]2[a b]2"
    assert data_of(second) == b"[c]Ann"
    assert run.batches == [2]


def test_what_is_wrong_with_an_order_stays_with_it() -> None:
    run = Run()
    good, unread, unforeseen, rude = write("a"), write("é"), write("b", tone="poison"), write("c", tone="rude")
    (alone,) = carried(run, good)

    first, refused, failed, refused_too, last = carried(run, good, unread, unforeseen, rude, good)

    assert first == last == alone
    assert isinstance(refused, UserError)
    assert failed == Failed("KeyError")
    assert isinstance(refused_too, UserError)
    assert refused_too.got == "a rude one"


def test_where_one_breaks_a_batch_most_of_the_others_are_still_made_together(caplog: pytest.LogCaptureFixture) -> None:
    run = Run()
    answers = carried(run, write("poisoned", tone="poison"), *(write(f"a{number}") for number in range(7)))
    assert answers[0] == Failed("KeyError")
    assert [data_of(answer) for answer in answers[1:]] == [f"[a{number}]".encode() for number in range(7)]
    assert run.batches == [8, 4, 2, 1, 1, 2, 4]
    assert len(run.adapted) == 8, "each once"
    assert "8 orders could not be made together" in caplog.text


def test_what_is_not_made_together_is_made_one_by_one_and_hands_that_are_compared_are_adapted_to_apart() -> None:
    run = Run()
    works = tuple(letter(text)._replace(hand=hand) for text, hand in (("a", "Ann"), ("b", "Bob"), ("aa", "Ann")))
    whose = Order("whose-letter", works, {"letter": letter("b")}, WhoseOptions(), frozenset({"sketch"}))

    answers = carried(run, whose, write("c"), whose)

    assert data_of(answers[0]) == data_of(answers[2]) == b'{"answer": ["Bob"], "artists": ["Ann[a aa]", "Bob[b]"]}'
    assert data_of(answers[1]) == b"[c]"
    assert isinstance(answers[0], Made)
    assert answers[0].extras == {"sketch": b"-"}


def test_what_nobody_waits_for_any_more_is_not_computed() -> None:
    run, later = Run(), time.monotonic() + 60
    orders = [write(text) for text in ("one", "gone", "late", "two")]
    asked = [Asked(order, later) for order in orders]
    asked[1].abandoned, asked[2].deadline = True, 0.0
    one, gone, late, two = carry_out_wanted(run, asked)  # type: ignore[arg-type]
    assert (gone, late) == (TooLate(), TooLate())
    assert (data_of(one), data_of(two)) == (b"[one]", b"[two]")
    assert run.adapted == ["[one]", "[two]"]


def test_who_hangs_up_meanwhile_is_not_written_for() -> None:
    asked = [Asked(write("a"), time.monotonic() + 600) for _ in range(3)]

    class Slow(Run):
        def adapt_works(self, *works: Any, **values: Any) -> Any:
            asked[1].abandoned = True  # before its turn
            asked[2].abandoned = len(self.adapted) == 1  # after it
            return super().adapt_works(*works, **values)

    run = Slow()
    first, second, third = carry_out_wanted(run, asked)  # type: ignore[arg-type]
    assert (data_of(first), second, third) == (b"[a]", TooLate(), TooLate())
    assert len(run.adapted) == 2
    assert run.batches == [1]


def test_orders_and_answers_go_through_a_pickle() -> None:
    order = write("a", signature="b", steps=3)
    answer = Made(b"data", "words", {"sketch": b"x"}, {"Seed": "1"}, "new.txt")
    assert pickle.loads(pickle.dumps(order)) == order
    assert pickle.loads(pickle.dumps(answer)) == answer


def test_an_order_of_music_gives_what_it_gives_alone_whatever_else_is_in_the_batch(
    tiny_run: Path, examples: tuple[bytes, ...]
) -> None:
    run, wanted = load(tiny_run), ARTS["music"].uses[0].options
    works = tuple(Work(f"{number}.mid", data) for number, data in enumerate(examples))

    def order(*works: Work, files: dict[str, Work] | None = None, **values: Any) -> Order:
        return Order("music", works, files or {}, wanted(bars=2, **values))

    good, nothing = order(*works), order(*works, steps=0)
    (alone,) = carry_out(run, [good])
    (unadapted,) = carry_out(run, [nothing])
    first, text, many, primed, none, last = carry_out(
        run,
        [good, order(Work("a.mid", b"Dear sir")), order(*works * 7), order(*works, files={"primer": Work("p", b"")}),
         order(), good],
    )  # fmt: skip

    assert data_of(first) == data_of(last) == data_of(alone) != data_of(unadapted)
    assert isinstance(text, WrongFormat)
    assert isinstance(many, UserError)
    assert isinstance(primed, WrongFormat)
    assert isinstance(none, UserError)
