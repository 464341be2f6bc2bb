"""Music: scores as tokens, and an LSTM that predicts the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from metaart.data.location import Where
from metaart.data.shards import Dataset
from metaart.domains.base import Domain, Hand, Split
from metaart.domains.music.hands import MusicHand
from metaart.domains.music.new_hands import NewTunes
from metaart.formats.scores.tokens import (
    TOKENIZER_FILE,
    Vocabulary,
    load_tokenizer,
    make_tokenizer,
    tokenizer_json,
)
from metaart.functional.sequence import next_token_nll
from metaart.networks.lstm import LanguageModel
from metaart.options import option, options
from metaart.tasks import Examples, Head


@options(section="domain")
class MusicConfig:
    """How scores are read and learned."""

    max_tokens: int = option(default=96, ge=16, help="tokens of a piece that are read, its beginning token included")
    middle_share: float = option(
        default=0.25, ge=0, le=1,
        help="share of training works read from a bar line inside the piece instead of from its beginning",
    )  # fmt: skip
    embedding_size: int = option(default=64, ge=1, help="width of the token embedding")
    hidden_size: int = option(default=256, ge=1, help="width of the LSTM")
    num_layers: int = option(default=1, ge=1, help="layers of the LSTM")
    new_hands: NewTunes = option(default=NewTunes(), help="task augmentation; each part can be switched")


class MusicDomain(Domain):
    """Next-token prediction over REMI tokens; the loss is in nats per token.

    Attributes:
        tokenizer: scores to tokens.
        vocabulary: what the tokens mean.
    """

    unit = "nats per token"
    head = Head("readout")

    def __init__(self, config: MusicConfig = MusicConfig()) -> None:
        self.config = config
        self.tokenizer = make_tokenizer()
        self.vocabulary = Vocabulary.of(self.tokenizer)

    def hands(self, data: Where | None, split: Split, *, varied: bool) -> list[Hand]:
        """The groups of a prepared folder."""
        dataset, config = Dataset.open(data, medium="music"), self.config
        new_hands = config.new_hands if varied else None
        return [
            MusicHand(
                group, dataset.works(group), self.vocabulary, config.max_tokens, new_hands, config.middle_share
            )
            for group in dataset.groups(split)
        ]  # fmt: skip

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

    def assets(self) -> dict[str, bytes]:
        """tokenizer.json."""
        return {TOKENIZER_FILE: tokenizer_json(self.tokenizer)}

    def check_asset(self, path: Path) -> None:
        """tokenizer.json must hold the tokens of this version."""
        load_tokenizer(path)
