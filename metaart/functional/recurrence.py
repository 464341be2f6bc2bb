"""The recurrence of an LSTM layer with its derivatives written by hand: fewer, larger products than autograd makes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def lstm_layer(projected: Tensor, h: Tensor, c: Tensor, recurrent: Tensor) -> tuple[Tensor, Tensor]:
    """Run one layer of long short-term memory over a sequence.

        i, f, o = sigmoid(a_t), g = tanh(a_t), a_t = projected_t + U h_{t-1}
        c_t = f c_{t-1} + i g;  h_t = o tanh(c_t)

    Args:
        projected: (works, time, 4 * hidden), W x_t + b, in the order input, forget, cell, output.
        h: (works, hidden), the hidden state before the first step.
        c: (works, hidden), the cell state before it.
        recurrent: (4 * hidden, hidden), U.

    Returns:
        h_t and c_t of all steps, each (works, time, hidden).

    Derivatives of every order, forward and reverse, and `torch.func.vmap` work. Source: Hochreiter & Schmidhuber 1997;
    forget gate after Gers et al. 2000.
    """
    hidden, cells, _ = _Layer.apply(projected, h, c, recurrent)  # type: ignore[no-untyped-call]
    return hidden, cells


class _Layer(torch.autograd.Function):
    """The layer and its derivatives, in the notation of `lstm_layer`; "d_x" is the loss's derivative in x.

    The loss depends on h_t and c_t directly (d_hidden, d_cells) and through the step after. Walking back from the last
    step, with d_h and d_c for all that reaches h_t and c_t:

        d_h_t = d_hidden_t + d_a_{t+1} U          d_c_t = d_cells_t + d_h_t o (1 - tanh(c_t)^2) + d_c_{t+1} f_{t+1}
        d_a_i = d_c g i'   d_a_f = d_c c_{t-1} f'   d_a_g = d_c i g'   d_a_o = d_h tanh(c_t) o'

    and i', f', g', o' follow from the values of the gates, so that no activation is computed again. U's gradient is the
    sum over steps of d_a_t^T h_{t-1}: one product of two tall matrices instead of one small product a step, which is
    where the time is won.

    The gates are an output too, though nobody uses them: the backward pass is made of what was returned, so that
    autograd can differentiate it again and reach the gates' own inputs. Gates that were only saved would be constants
    to a second backward pass, and second-order MAML would be wrong without a word.
    """

    # `vmap` then maps the passes below as they are, and does not need a rule of our own.
    generate_vmap_rule = True

    @staticmethod
    def forward(projected: Tensor, h: Tensor, c: Tensor, recurrent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size, across = h.shape[-1], recurrent.mT
        hidden, cells, gates = [], [], []
        for step in projected.unbind(1):
            activation = torch.addmm(step, h, across)
            # One sigmoid over all four parts is faster than three over three; the cell's own is thrown away.
            gate_i, gate_f, _, gate_o = torch.sigmoid(activation).chunk(4, 1)
            cell = torch.tanh(activation[:, 2 * size : 3 * size])
            c = torch.addcmul(gate_f * c, gate_i, cell)
            h = gate_o * torch.tanh(c)
            hidden.append(h)
            cells.append(c)
            gates += [gate_i, gate_f, cell, gate_o]
        # (works, 4 T, hidden) is (works, T, 4 hidden) without another copy.
        together = torch.stack(gates, 1).view(h.shape[0], len(hidden), 4 * size)
        return torch.stack(hidden, 1), torch.stack(cells, 1), together

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        _, h, c, recurrent = inputs
        ctx.save_for_backward(h, c, recurrent, *output)
        ctx.save_for_forward(h, c, recurrent, *output)

    @staticmethod
    def backward(ctx: Any, d_hidden: Tensor, d_cells: Tensor, d_gates: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        h, c, recurrent, hidden, cells, gates = ctx.saved_tensors
        h_before, c_before = _shifted(hidden, h), _shifted(cells, c)
        squashed, slopes = torch.tanh(cells), _slopes(gates)
        gate_i, gate_f, cell, gate_o = gates.chunk(4, 2)
        # All that does not depend on the step after is computed for all steps at once, before the walk back.
        through_cell = gate_o * (1 - squashed * squashed)
        shares = torch.cat([cell, c_before, gate_i, squashed], 2) * slopes
        # Of the gates as outputs: zero in a first backward pass, not in a second.
        direct = (d_gates * slopes).unbind(1)
        columns = [part.unbind(1) for part in (d_hidden, d_cells, through_cell, gate_f, shares)]
        d_h, d_c = torch.zeros_like(h), torch.zeros_like(c)
        d_activations = []
        for t in range(len(direct) - 1, -1, -1):
            from_above, from_cells, through, forget, share = (column[t] for column in columns)
            d_h = d_h + from_above
            d_c = torch.addcmul(d_c + from_cells, d_h, through)
            # Three gates act by way of the cell, the output gate on h alone.
            d_activation = torch.addcmul(direct[t], torch.cat([d_c, d_c, d_c, d_h], 1), share)
            d_h, d_c = d_activation @ recurrent, d_c * forget
            d_activations.append(d_activation)
        d_projected = torch.stack(d_activations[::-1], 1)
        d_recurrent = d_projected.flatten(0, 1).mT @ h_before.flatten(0, 1)
        return d_projected, d_h, d_c, d_recurrent

    @staticmethod
    def jvp(ctx: Any, t_projected: Tensor, t_h: Tensor, t_c: Tensor, t_recurrent: Tensor) -> tuple[Tensor, ...]:
        """How the outputs move where the inputs move by t_...: each line of the forward pass, differentiated."""
        h, c, recurrent, hidden, cells, gates = ctx.saved_tensors
        h_before, c_before = _shifted(hidden, h), _shifted(cells, c)
        squashed, slopes, across = torch.tanh(cells), _slopes(gates), recurrent.mT
        # The part of every step's movement that needs no step before it: one product for all of them.
        apart = t_projected + h_before @ t_recurrent.mT
        parts = [gates, slopes, c_before, squashed, apart]
        t_hidden, t_cells, t_gates = [], [], []
        for gate, slope, before, squash, moved in zip(*(part.unbind(1) for part in parts), strict=True):
            t_gate = torch.addmm(moved, t_h, across) * slope
            gate_i, gate_f, cell, gate_o = gate.chunk(4, 1)
            t_i, t_f, t_cell, t_o = t_gate.chunk(4, 1)
            t_c = t_f * before + gate_f * t_c + t_i * cell + gate_i * t_cell
            t_h = t_o * squash + gate_o * (1 - squash * squash) * t_c
            t_hidden.append(t_h)
            t_cells.append(t_c)
            t_gates.append(t_gate)
        return torch.stack(t_hidden, 1), torch.stack(t_cells, 1), torch.stack(t_gates, 1)


def _shifted(states: Tensor, first: Tensor) -> Tensor:
    """The state before each step."""
    return torch.cat([first.unsqueeze(1), states[:, :-1]], 1)


def _slopes(gates: Tensor) -> Tensor:
    """Derivatives of the activations, from their values: s (1 - s), and 1 - g^2 for the cell."""
    gate_i, gate_f, cell, gate_o = gates.chunk(4, 2)
    return torch.cat([gate_i * (1 - gate_i), gate_f * (1 - gate_f), 1 - cell * cell, gate_o * (1 - gate_o)], 2)
