from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from metaart.domains.music.domain import WINDOWS_PER_FILE, Music, MusicConfig, window, windows_of
from metaart.errors import TooLarge, UserError

BAR = 4
CONFIG = MusicConfig(max_tokens=48, embedding_size=4, hidden_size=5, middle_share=0.0)
pieces = st.lists(st.sampled_from([BAR, 5, 6, 7]), max_size=200).map(lambda tokens: np.array([1, *tokens]))


@given(st.lists(pieces, min_size=1, max_size=4), st.integers(1, 64))
@settings(deadline=None, max_examples=50)
def test_a_window_is_the_beginning_padded(sequences: list[np.ndarray], length: int) -> None:
    rows = window(sequences, length)
    assert rows.shape == (len(sequences), length)
    assert rows.dtype == torch.int64
    for row, tokens in zip(rows.tolist(), sequences, strict=True):
        kept = min(length, len(tokens))
        assert row == [*tokens[:kept].tolist(), *[0] * (length - kept)]


@given(pieces, st.integers(16, 60))
@settings(deadline=None, max_examples=100)
def test_windows_of_a_piece_begin_at_its_beginning_and_at_bar_lines(tokens: np.ndarray, length: int) -> None:
    parts = windows_of(tokens, length, BAR)
    assert 1 <= len(parts) <= WINDOWS_PER_FILE
    assert np.array_equal(parts[0], tokens)
    starts = [len(tokens) - len(part) for part in parts]
    assert starts == sorted(set(starts))
    assert all(tokens[start] == BAR for start in starts[1:])
    assert all(np.array_equal(part, tokens[start:]) for part, start in zip(parts, starts, strict=True))


def test_unvaried_hands_give_the_stored_tokens(music_data: Path) -> None:
    domain = Music(CONFIG)
    for hand in domain.hands(music_data, "test", varied=False):
        drawn = [hand.examples([0, 3], np.random.default_rng(seed))["tokens"] for seed in (1, 2)]
        assert torch.equal(*drawn)
        assert drawn[0].shape == (2, 48)
        assert drawn[0].max() < domain.vocabulary.size


def test_a_varied_hand_moves_all_works_by_one_map(music_data: Path) -> None:
    domain = Music(CONFIG)
    (varied, *_), (plain, *_) = (domain.hands(music_data, "train", varied=value) for value in (True, False))
    works = range(min(8, plain.num_works))
    before = plain.examples(works, np.random.default_rng(0))["tokens"]
    moved, tried = 0, 0
    for seed in range(12):
        after = varied.examples(works, np.random.default_rng(seed))["tokens"]
        if (after != 0).sum() != (before != 0).sum() or not torch.equal(after == domain.vocabulary.bar,
                                                                        before == domain.vocabulary.bar):  # fmt: skip
            continue  # halved or doubled in time: other bar lines, other tokens
        tried += 1
        pairs = set(zip(before.flatten().tolist(), after.flatten().tolist(), strict=True))
        assert len(pairs) == len({old for old, _ in pairs})
        moved += any(old != new for old, new in pairs)
    assert tried >= 3
    assert moved >= tried - 2


def test_the_loss_is_the_cross_entropy_of_the_next_token() -> None:
    domain = Music(CONFIG)
    learner, tokens = domain.learner(), torch.randint(0, domain.vocabulary.size, (3, 20))
    logits, _ = learner(tokens[:, :-1])
    peer = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=domain.vocabulary.pad)
    torch.testing.assert_close(domain.loss(learner, {"tokens": tokens}), peer)


def test_the_opening_is_two_bars() -> None:
    domain = Music(CONFIG)
    bar, pad = domain.vocabulary.bar, domain.vocabulary.pad
    tokens = torch.tensor([[1, bar, 9, 10, bar, 11, bar, 12, 13], [1, bar, 9, pad, pad, pad, pad, pad, pad]])
    opening = domain.views["opening"]({"tokens": tokens})["tokens"]
    kept = [[token for token in row if token != pad] for row in opening.tolist()]
    assert kept == [[1, bar, 9, 10, bar, 11], [1, bar, 9]]
    assert all(row[: len(part)] == part for row, part in zip(opening.tolist(), kept, strict=True))
    assert domain.views["whole"]({"tokens": tokens})["tokens"] is tokens
    assert (domain.units({"tokens": tokens}), domain.targets({"tokens": tokens})) == (12, 10)


def test_files_are_read_from_their_beginning(midi_folder: Path) -> None:
    domain = Music(CONFIG)
    files = [path.read_bytes() for path in sorted(midi_folder.glob("composer-0/*.mid"))[:3]]
    tokens = domain.read(files)["tokens"]
    assert 3 <= len(tokens) <= 3 * WINDOWS_PER_FILE
    alone = [domain.read([file])["tokens"] for file in files]
    assert torch.equal(tokens, torch.cat(alone))
    assert len({part[0, 0].item() for part in alone}) == 1  # the beginning token


def test_files_that_cannot_be_used_are_refused_by_name(midi_folder: Path) -> None:
    domain = Music(CONFIG)
    good = next(midi_folder.glob("composer-0/*.mid")).read_bytes()
    with pytest.raises(UserError, match=r"poem\.mid"):
        domain.read([good, b"Whose woods these are I think I know"], ["good.mid", "poem.mid"])
    with pytest.raises(UserError, match="example 2"):
        domain.read([good, b""])
    with pytest.raises(TooLarge, match="21"):
        domain.read([good] * 21)
    with pytest.raises(UserError, match="metaart data prepare music"):
        domain.hands(None, "train", varied=True)


@pytest.mark.parametrize(
    "settings", [{"max_tokens": 15}, {"hidden_size": 0}, {"embedding_size": -1}, {"num_layers": 0}]
)
def test_sizes_that_cannot_be_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UserError) as caught:
        MusicConfig(**settings)
    assert f"--set domain.{next(iter(settings))}=" in caught.value.fix
