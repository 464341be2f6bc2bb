"""Music: scores as tokens, an LSTM that predicts the next one, and a composer that writes MIDI files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from metaart.arts.music.compose import ComposeRequest, compose, primer_tokens
from metaart.data.location import Where
from metaart.data.media.scores import StoredScore
from metaart.data.shards import Dataset
from metaart.domains.base import Domain, Hand, Split
from metaart.domains.music.new_hands import NewHands, draw_hand
from metaart.errors import TooLarge, UserError
from metaart.formats.scores.canonical import canonical
from metaart.formats.scores.midi import read_midi
from metaart.formats.scores.tokens import (
    Tokens,
    Vocabulary,
    encode_canonical,
    load_tokenizer,
    make_tokenizer,
    save_tokenizer,
)
from metaart.functional.sequence import bigram_log_probs, next_token_nll
from metaart.networks.lstm import LanguageModel
from metaart.tasks import Examples, Head

MAX_FILES = 20
WINDOWS_PER_FILE = 4


@dataclass(frozen=True)
class MusicConfig:
    """How scores are read and learned.

    Attributes:
        max_tokens: tokens of a piece that are read, its beginning token included.
        middle_share: share of training works read from a bar line inside the piece instead of from its beginning.
        embedding_size: width of the token embedding.
        hidden_size: width of the LSTM.
        num_layers: layers of the LSTM.
        new_hands: task augmentation; each part can be switched.
    """

    max_tokens: int = 96
    middle_share: float = 0.25
    embedding_size: int = 64
    hidden_size: int = 256
    num_layers: int = 1
    new_hands: NewHands = field(default_factory=NewHands)

    def __post_init__(self) -> None:
        for name in ("max_tokens", "embedding_size", "hidden_size", "num_layers"):
            value = getattr(self, name)
            if value < (16 if name == "max_tokens" else 1):
                raise UserError(
                    expected=f"domain.{name} to be a positive number (max_tokens at least 16)",
                    got=str(value),
                    fix=f"Give another value: --set domain.{name}=...",
                )


class MusicHand(Hand):
    """One composer, region or dance."""

    def __init__(self, name: str, works: Sequence[StoredScore], vocabulary: Vocabulary, config: MusicConfig,
                 varied: bool) -> None:  # fmt: skip
        self.name, self.num_works = name, len(works)
        self._works, self._vocabulary, self._config, self._varied = works, vocabulary, config, varied

    def examples(self, works: Sequence[int], variation: np.random.Generator) -> Examples:
        """{"tokens": (works, max_tokens) int64}, padded with 0."""
        scores = [self._works[work] for work in works]
        if not self._varied or not scores:
            return {"tokens": window([score.tokens for score in scores], self._config.max_tokens)}
        hand = draw_hand(self._config.new_hands, self._vocabulary, variation)
        versions = {0.5: "tokens_half", 1.0: "tokens", 2.0: "tokens_double"}
        sequences = []
        for score in scores:
            tokens = getattr(score, versions[hand.time_scale])
            tokens = tokens if len(tokens) else score.tokens
            if variation.random() < self._config.middle_share:
                tokens = self._from_inside(tokens, variation)
            sequences.append(hand.token_map[tokens])
        return {"tokens": window(sequences, self._config.max_tokens)}

    def _from_inside(self, tokens: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        bars = np.flatnonzero(tokens[: -self._config.max_tokens] == self._vocabulary.bar)
        return tokens[rng.choice(bars) :] if len(bars) else tokens


def window(sequences: Sequence[NDArray[Any]], length: int) -> Tensor:
    """The first `length` tokens of each sequence, (sequences, length) int64, padded with 0."""
    padded = np.zeros((len(sequences), length), dtype=np.int64)
    for row, tokens in enumerate(sequences):
        padded[row, : min(len(tokens), length)] = tokens[:length]
    return torch.from_numpy(padded)


def windows_of(tokens: NDArray[Any], length: int, bar: int) -> list[NDArray[Any]]:
    """Up to `WINDOWS_PER_FILE` parts that cover the beginning of a piece, each but the first from a bar line.

    What is left over at the end is dropped where it is less than a quarter of a part.
    """
    bars, starts = np.flatnonzero(tokens == bar), [0]
    while len(starts) < WINDOWS_PER_FILE and starts[-1] + length + length // 4 < len(tokens):
        within = bars[(bars > starts[-1]) & (bars <= starts[-1] + length)]
        beyond = bars[bars > starts[-1] + length]
        if not len(within) and not len(beyond):
            break
        starts.append(int(within[-1] if len(within) else beyond[0]))
    return [tokens[start:] for start in starts]


class Music(Domain):
    """Next-token prediction over REMI tokens; the loss is in nats per token.

    Views: `whole` is the piece up to `max_tokens`; `opening` its first two bars alone, where little has been heard
    and the hand must come from the weights.
    """

    unit = "nats per token"
    head = Head("readout")

    def __init__(self, config: MusicConfig = MusicConfig()) -> None:
        self.config = config
        self._tokenizer = make_tokenizer()
        self.vocabulary = Vocabulary.of(self._tokenizer)
        self.views = {"whole": lambda examples: examples, "opening": self._opening}
        self.baselines = {"bigrams of the support set": self._bigrams}

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The groups of a prepared folder."""
        dataset = Dataset.open(data, medium="music")
        return [
            MusicHand(group, dataset.works(group), self.vocabulary, self.config, varied)
            for group in dataset.groups(split)
        ]

    def learner(self) -> nn.Module:
        """Embedding, LSTM, read-out."""
        config = self.config
        return LanguageModel(self.vocabulary.size, config.embedding_size, config.hidden_size, config.num_layers)

    def loss(self, predict: Callable[..., Any], examples: Examples) -> Tensor:
        """Mean next-token negative log-likelihood, nats per token."""
        tokens = examples["tokens"]
        logits, _ = predict(tokens[..., :-1])
        return next_token_nll(logits, tokens, self.vocabulary.pad)

    def units(self, examples: Examples) -> int:
        """Tokens that are not padding."""
        return int((examples["tokens"] != self.vocabulary.pad).sum())

    def targets(self, examples: Examples) -> int:
        """Tokens that are predicted: all but the first of each piece and padding."""
        return int((examples["tokens"][..., 1:] != self.vocabulary.pad).sum())

    def save_assets(self, folder: Path) -> None:
        """tokenizer.json."""
        save_tokenizer(self._tokenizer, folder / "tokenizer.json")

    def check_assets(self, folder: Path) -> None:
        """tokenizer.json must be there and hold the tokens of this version."""
        load_tokenizer(folder / "tokenizer.json")

    def read(self, files: Sequence[bytes], names: Sequence[str] = ()) -> Examples:
        """MIDI files as {"tokens": (windows, max_tokens)}: of each its beginning, and more windows from bar lines."""
        if not 1 <= len(files) <= MAX_FILES:
            kind = TooLarge if files else UserError
            raise kind(
                expected=f"1 to {MAX_FILES} MIDI files as examples",
                got=str(len(files)),
                fix="Give a handful of pieces by one hand: five say most of it.",
            )
        named = zip(names or [f"example {place}" for place in range(1, len(files) + 1)], files, strict=True)
        pieces = [self._tokens(data, name) for name, data in named]
        windows = [part for piece in pieces for part in windows_of(piece, self.config.max_tokens, self.vocabulary.bar)]
        return {"tokens": window(windows, self.config.max_tokens)}

    def primer(self, data: bytes, *, bars: int, name: str = "the primer") -> tuple[int, ...]:
        """A MIDI file as the beginning of a piece of so many bars, for `ComposeRequest.primer`."""
        return primer_tokens(self._tokens(data, name), self.vocabulary, bars)

    def render(self, predict: Callable[..., Any], requests: Sequence[ComposeRequest]) -> list[bytes]:
        """One MIDI file per request, each with its own adapted weights."""
        return compose(predict, requests, self.vocabulary)

    def _tokens(self, data: bytes, name: str) -> Tokens:
        return encode_canonical(self._tokenizer, canonical(read_midi(data, name=name), name=name))

    def _bigrams(self, support: Examples) -> Callable[..., Any]:
        table = bigram_log_probs(support["tokens"], self.vocabulary.size, self.vocabulary.pad)
        return lambda tokens: (table[tokens], None)

    def _opening(self, examples: Examples) -> Examples:
        tokens = examples["tokens"]
        bars_heard = (tokens == self.vocabulary.bar).cumsum(-1)
        opening = torch.where(bars_heard <= 2, tokens, self.vocabulary.pad)
        longest = int((opening != self.vocabulary.pad).sum(-1).max())
        return {**examples, "tokens": opening[..., : max(longest, 2)]}
