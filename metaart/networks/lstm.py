"""A recurrent language model whose cell can be differentiated twice, mapped over tasks and pushed forward."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from metaart.functional.recurrence import lstm_layer

State = list[tuple[Tensor, Tensor]]


class LSTM(nn.Module):
    """A stack of long short-term memory layers, their derivatives written out (`functional.recurrence`).

    For each layer, with gates in the order input, forget, cell, output (the order of `torch.nn.LSTM`):

        i, f, o = sigmoid(W x_t + U h_{t-1} + b);  g = tanh(same)
        c_t = f * c_{t-1} + i * g;  h_t = o * tanh(c_t)

    Parameters carry the names and shapes of `torch.nn.LSTM`, so that a state dict of one loads into the other and
    gives the same numbers. Unlike it, this one has a double backward on every device and works under
    `torch.func.vmap`, `grad` of `grad`, and `jvp` of `grad`.

    Source: Hochreiter & Schmidhuber 1997; forget gate after Gers et al. 2000.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        bound = 1.0 / math.sqrt(hidden_size)
        for layer in range(num_layers):
            fan_in = input_size if layer == 0 else hidden_size
            for name, shape in (
                (f"weight_ih_l{layer}", (4 * hidden_size, fan_in)),
                (f"weight_hh_l{layer}", (4 * hidden_size, hidden_size)),
                (f"bias_ih_l{layer}", (4 * hidden_size,)),
                (f"bias_hh_l{layer}", (4 * hidden_size,)),
            ):
                self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a sequence.

        Args:
            inputs: (batch, time, input_size).
            state: one (h, c) per layer, each (batch, hidden_size); zeros if left out.

        Returns:
            The last layer's hidden states (batch, time, hidden_size), and the state after the last step.
        """
        final: State = []
        for layer in range(self.num_layers):
            if state is None:
                h = inputs.new_zeros(inputs.shape[0], self.hidden_size)  # made of the inputs, so that vmap maps it too
                c = h
            else:
                h, c = state[layer]
            inputs, (h, c) = self._layer(layer, inputs, h, c)
            final.append((h, c))
        return inputs, final

    def _layer(self, layer: int, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        # The product with the inputs needs no step before it: one for the whole sequence.
        bias = getattr(self, f"bias_ih_l{layer}") + getattr(self, f"bias_hh_l{layer}")
        projected = F.linear(inputs, getattr(self, f"weight_ih_l{layer}"), bias)
        hidden, cells = lstm_layer(projected, h, c, getattr(self, f"weight_hh_l{layer}"))
        return hidden, (hidden[:, -1], cells[:, -1])


class LanguageModel(nn.Module):
    """Embedding, LSTM and a linear read-out: p(token_{t+1} | token_1..t).

    Args:
        vocabulary_size: number of tokens.
        embedding_size: width of the token embedding.
        hidden_size: width of the recurrent state.
        num_layers: recurrent layers.
    """

    def __init__(self, vocabulary_size: int, embedding_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.lstm = LSTM(embedding_size, hidden_size, num_layers)
        self.readout = nn.Linear(hidden_size, vocabulary_size)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Predict the token after each of `tokens`.

        Args:
            tokens: (batch, time), int64.
            state: where an earlier call ended; nothing read yet if left out.

        Returns:
            Logits (batch, time, vocabulary), and the state to go on from.
        """
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.readout(hidden), state
