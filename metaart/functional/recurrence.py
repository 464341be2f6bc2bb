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
    """The gates are an output too, so that what the backward pass computes from them can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(projected: Tensor, h: Tensor, c: Tensor, recurrent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size, across = h.shape[-1], recurrent.mT
        hidden, cells, gates = [], [], []
        for step in projected.unbind(1):
            activation = torch.addmm(step, h, across)
            gate_i, gate_f, _, gate_o = torch.sigmoid(activation).chunk(4, 1)
            cell = torch.tanh(activation[:, 2 * size : 3 * size])
            c = torch.addcmul(gate_f * c, gate_i, cell)
            h = gate_o * torch.tanh(c)
            hidden.append(h)
            cells.append(c)
            gates += [gate_i, gate_f, cell, gate_o]
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
        through_cell = gate_o * (1 - squashed * squashed)
        shares = torch.cat([cell, c_before, gate_i, squashed], 2) * slopes
        direct = (d_gates * slopes).unbind(1)
        columns = [part.unbind(1) for part in (d_hidden, d_cells, through_cell, gate_f, shares)]
        d_h, d_c = torch.zeros_like(h), torch.zeros_like(c)
        d_activations = []
        for t in range(len(direct) - 1, -1, -1):
            from_above, from_cells, through, kept, share = (column[t] for column in columns)
            d_h = d_h + from_above
            d_c = torch.addcmul(d_c + from_cells, d_h, through)
            d_activation = torch.addcmul(direct[t], torch.cat([d_c, d_c, d_c, d_h], 1), share)
            d_h, d_c = d_activation @ recurrent, d_c * kept
            d_activations.append(d_activation)
        d_projected = torch.stack(d_activations[::-1], 1)
        d_recurrent = d_projected.flatten(0, 1).mT @ h_before.flatten(0, 1)
        return d_projected, d_h, d_c, d_recurrent

    @staticmethod
    def jvp(ctx: Any, t_projected: Tensor, t_h: Tensor, t_c: Tensor, t_recurrent: Tensor) -> tuple[Tensor, ...]:
        h, c, recurrent, hidden, cells, gates = ctx.saved_tensors
        h_before, c_before = _shifted(hidden, h), _shifted(cells, c)
        squashed, slopes, across = torch.tanh(cells), _slopes(gates), recurrent.mT
        known = t_projected + h_before @ t_recurrent.mT
        parts = [gates, slopes, c_before, squashed, known]
        t_hidden, t_cells, t_gates = [], [], []
        for gate, slope, before, squash, fixed in zip(*(part.unbind(1) for part in parts), strict=True):
            t_gate = torch.addmm(fixed, t_h, across) * slope
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
