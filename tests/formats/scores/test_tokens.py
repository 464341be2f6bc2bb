"""Scores to tokens and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import symusic
from hypothesis import given, settings

from metaart.data.shards import Dataset
from metaart.errors import UserError
from metaart.formats.scores.canonical import bar_ticks, canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import Vocabulary, decode, encode, load_tokenizer, make_tokenizer, tokenizer_json
from tests.formats.scores.readers import of_score
from tests.formats.scores.scores import marks_of, score_of, scores, times

TOKENIZER = make_tokenizer()
VOCABULARY = Vocabulary.of(TOKENIZER)


def words_of(score: symusic.Score) -> list[str]:
    return [VOCABULARY.tokens[token] for token in encode(TOKENIZER, score)]


def test_a_tune_in_words() -> None:
    score = score_of([(0, 480, 60), (0, 960, 64), (720, 240, 62), (3 * 480, 160, 67)], [(0, 3, 4)])
    assert words_of(score) == [
        "BOS_None",
        "Bar_None", "TimeSig_3/4",
        "Position_0", "Pitch_60", "Duration_1.0.4", "Pitch_64", "Duration_2.0.4",
        "Position_18", "Pitch_62", "Duration_0.6.12",
        "Bar_None", "TimeSig_3/4",
        "Position_0", "Pitch_67", "Duration_0.4.12",
        "EOS_None",
    ]  # fmt: skip


def test_a_beat_of_6_8_is_an_eighth() -> None:
    words = words_of(score_of([(0, 240, 60), (720, 720, 62)], [(0, 6, 8)]))
    assert words[2:-1] == [
        "TimeSig_6/8", "Position_0", "Pitch_60", "Duration_1.0.4", "Position_36", "Pitch_62", "Duration_3.0.4"
    ]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(scores())
def test_decoding_gives_the_canonical_score(score: symusic.Score) -> None:
    once = canonical(score)
    back = decode(TOKENIZER, encode(TOKENIZER, score))
    assert back.ticks_per_quarter == once.ticks_per_quarter
    assert times(canonical(back)) == times(back) == times(once)
    assert marks_of(canonical(back)) == marks_of(once)


def test_real_works_come_back_and_scaled_tokens_mean_scaled_times(music_data: Path) -> None:
    dataset = Dataset.open(music_data)
    tokenizer = load_tokenizer(music_data / "tokenizer.json")
    halved = 0
    for group in [name for names in dataset.splits.values() for name in names]:
        for work in dataset.works(group)[:5]:
            score = canonical(read_midi(work.midi))
            assert encode(tokenizer, score).tolist() == work.tokens.tolist()
            assert times(decode(tokenizer, work.tokens)) == times(score)
            starts = np.unique([row[0] for row in of_score(score)])
            doubled = np.unique([row[0] for row in of_score(decode(tokenizer, work.tokens_double))])
            assert np.array_equal(np.diff(doubled), 2 * np.diff(starts))
            if len(work.tokens_half):
                halved += 1
                half = np.unique([row[0] for row in of_score(decode(tokenizer, work.tokens_half))])
                assert np.array_equal(2 * np.diff(half), np.diff(starts))
    assert halved > 10


def test_every_token_means_what_its_score_says() -> None:
    assert VOCABULARY.tokens[VOCABULARY.pad] == "PAD_None"
    assert VOCABULARY.pad == 0
    assert VOCABULARY.size == len(TOKENIZER)
    assert set(VOCABULARY.kind) == {"PAD", "BOS", "EOS", "Bar", "TimeSig", "Position", "Pitch", "Duration"}
    assert [VOCABULARY.value[token] for token in VOCABULARY.ids("Pitch")] == list(range(21, 109))
    assert len(VOCABULARY.id) == VOCABULARY.size
    assert (VOCABULARY.tokens[VOCABULARY.bos], VOCABULARY.tokens[VOCABULARY.eos]) == ("BOS_None", "EOS_None")
    for signature in VOCABULARY.ids("TimeSig"):
        top, bottom = VOCABULARY.value[signature]
        beat = bar_ticks(1, bottom)
        for kind, name in (("Position", 0), ("Duration", 1)):
            for token in VOCABULARY.ids(kind)[:: 7 if kind == "Position" else 1]:
                value = VOCABULARY.value[token]
                if kind == "Position" and value >= top * VOCABULARY.steps_per_beat:
                    continue
                position = token if kind == "Position" else VOCABULARY.id["Position", 0]
                length = token if kind == "Duration" else VOCABULARY.id["Duration", 1.0]
                piece = [VOCABULARY.bar, signature, position, VOCABULARY.id["Pitch", 60], length]
                ((start, end, pitch),) = times(decode(TOKENIZER, piece))
                assert pitch == 60
                meant = (value * beat / 12, beat) if name == 0 else (0, value * beat)
                assert (start, end - start) == meant


def test_a_saved_tokenizer_is_the_same_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json(TOKENIZER))
    assert load_tokenizer(path).vocab == TOKENIZER.vocab


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: '"config"',
        lambda text: json.dumps({"config": 3}),
        lambda text: json.dumps({"config": {}}),
        lambda text: text.replace('"use_time_signatures": true', '"use_time_signatures": false'),
        lambda text: text.replace("108", "107"),
        lambda text: text.replace('"PAD_None"', '"PAT_None"'),
        lambda text: "\xff" * 10,
    ],
)
def test_a_damaged_tokenizer_is_refused(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    whole = tokenizer_json(TOKENIZER).decode()
    changed = damage(whole)  # type: ignore[operator]
    assert changed != whole
    path.write_bytes(changed.encode("latin-1"))
    with pytest.raises(UserError, match="tokenizer"):
        load_tokenizer(path)


def test_a_missing_tokenizer_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UserError, match="a tokenizer file"):
            load_tokenizer(path)


def test_decoding_skips_what_breaks_the_grammar_and_refuses_unknown_tokens() -> None:
    word = VOCABULARY.tokens.index
    stray = [word("Duration_1.0.4"), VOCABULARY.bos, word("Bar_None"), word("TimeSig_4/4"), word("Position_0"),
             word("Pitch_60"), word("Duration_1.0.4"), word("Pitch_61"), VOCABULARY.eos, VOCABULARY.pad]  # fmt: skip
    assert times(decode(TOKENIZER, np.array(stray, dtype=np.uint16))) == [(0, 24, 60)]
    assert decode(TOKENIZER, []).note_num() == 0
    for wrong in ([VOCABULARY.size], [-1]):
        with pytest.raises(UserError, match="token ids from 0"):
            decode(TOKENIZER, wrong)
