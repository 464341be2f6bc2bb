"""The image transformation network: a photograph in, a picture out, in the style that its affines say."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-5
FACTOR = 4
"""By how much the network halves in all: sides of photographs are multiples of it."""

DARKEST = 0.02
"""Values of a photograph nearer than this to black or white are taken for it: the network can still move them."""

Norm = Callable[[Tensor], Tensor]


class Stylist(nn.Module):
    """Convolutions down to a quarter, residual bottlenecks there, and up again; all but the last are normalised.

    The network of Johnson et al. 2016 made small enough for a processor, with instance normalisation (Ulyanov et al.
    2016), reflection padding, and convolutions of what is scaled up in place of transposed ones (Odena et al. 2016). It
    has no running statistics: a picture is normalised by its own. As in Ghiasi et al. 2017, the affines after the
    normalisation are predicted from statistics of the style pictures; what adaptation learns is added to them, as to
    all other weights. With `statistics=0` there is one style, the one that the weights hold. What comes out is added to
    the photograph, on the scale of logits: a fresh network returns it nearly as it is.

    Args:
        width: channels at full size; twice as many at a half, `depth` at a quarter.
        depth: channels at a quarter; its 3 x 3 convolutions have half as many.
        blocks: residual bottlenecks at a quarter.
        statistics: numbers that say what the style is like; 0 for none.
        hidden: width of the layer between these and the affines.
    """

    def __init__(
        self, width: int = 16, depth: int = 64, blocks: int = 5, statistics: int = 0, hidden: int = 64
    ) -> None:
        super().__init__()
        half, inner = 2 * width, depth // 2
        shapes = [(3, width, 3), (width, half, 3), (half, depth, 3)]
        shapes += [(depth, inner, 1), (inner, inner, 3), (inner, depth, 1)] * blocks
        shapes += [(depth, half, 1), (half, half, 3), (half, width, 1), (width, width, 3)]
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, kernel, bias=False) for i, o, kernel in shapes)
        self.output = nn.Conv2d(width, 3, 3)
        with torch.no_grad():  # a fresh network changes little
            self.output.weight.mul_(0.1)
        self.channels = [outputs for _, outputs, _ in shapes]
        total = sum(self.channels)
        self.scale, self.shift = nn.Parameter(torch.ones(total)), nn.Parameter(torch.zeros(total))
        self.blocks, self.statistics = blocks, statistics
        if statistics:
            self.reading, self.affines = nn.Linear(statistics, hidden), nn.Linear(hidden, 2 * total)
            # Small beside the gains of one, so that training begins near one style for all.
            nn.init.normal_(self.affines.weight, std=0.3 * hidden**-0.5)
            nn.init.zeros_(self.affines.bias)

    def forward(self, photographs: Tensor, style: Tensor, moments: Tensor | None = None) -> Tensor:
        """Stylise photographs, or measure what they are normalised by.

        Args:
            photographs: (pictures, 3, height, width) from 0 to 1; sides are multiples of `FACTOR`, from 8.
            style: (pictures, statistics) of the style of each; not looked at where there is one style.
            moments: means and deviations to normalise by instead of the pictures' own: tiles of one large picture are
                all normalised alike. Without channels (pictures, 2, 0) they are asked for.

        Returns:
            Pictures as the photographs; or, where they are asked for, the moments (pictures, 2, channels of all
            normalised layers).
        """
        taken: list[Tensor] = []
        normalised = self._norm(self._affines(style), moments, taken)
        layers = iter(self.convolutions)  # in the order of `shapes` above: down, bottlenecks, up
        x = F.relu(normalised(convolved(next(layers), photographs * 2 - 1)))
        for _ in range(2):
            x = F.relu(normalised(convolved(next(layers), x, stride=2)))
        for _ in range(self.blocks):
            inside = F.relu(normalised(convolved(next(layers), x)))
            inside = F.relu(normalised(convolved(next(layers), inside)))
            x = x + normalised(convolved(next(layers), inside))  # no ReLU after the sum: blocks add up freely
        for _ in range(2):
            # One pointwise convolution before the picture grows: a quarter of the work, and of the memory.
            x = doubled(F.relu(normalised(convolved(next(layers), x))))
            x = F.relu(normalised(convolved(next(layers), x)))
        # An empty tensor asks for them, so that a learner is called with tensors alone.
        if moments is not None and not moments.shape[-1]:
            return torch.cat(taken, -1)
        return torch.sigmoid(torch.logit(photographs.clamp(DARKEST, 1 - DARKEST)) + convolved(self.output, x))

    def _norm(self, affines: Tensor, moments: Tensor | None, taken: list[Tensor]) -> Norm:
        """Instance normalisation of one layer after the other; `taken` counts them and keeps what was measured."""

        def normalised(x: Tensor) -> Tensor:
            # Affines of all layers lie in one vector; those of this layer follow those of the layers before.
            first = sum(self.channels[: len(taken)])
            here = slice(first, first + self.channels[len(taken)])
            gain, shift = (affines[..., row, here, None, None] for row in (0, 1))
            if moments is None:
                taken.append(shift)
                # As many groups as channels is instance normalisation; vmap is exact for this one in second order.
                return F.group_norm(x, x.shape[-3], eps=NORM_EPS) * gain + shift
            if moments.shape[-1]:
                taken.append(moments[..., here])
            else:
                mean = x.mean((-2, -1))
                variance = (x - mean[..., None, None]).square().mean((-2, -1))
                taken.append(torch.stack([mean, torch.sqrt(variance + NORM_EPS)], -2))
            mean, deviation = (taken[-1][..., row, :, None, None] for row in (0, 1))
            return (x - mean) / deviation * gain + shift

        return normalised

    def _affines(self, style: Tensor) -> Tensor:
        """Gains and shifts, (pictures, 2, channels)."""
        # Ones and zeros at first: a prediction of zero leaves normalised features as they are.
        own = torch.stack([self.scale, self.shift])
        if not self.statistics:
            return own.expand(*style.shape[:-1], *own.shape)
        read = F.relu(self.reading(style))
        predicted: Tensor = self.affines(read).unflatten(-1, (2, -1))
        return own + predicted


def convolved(layer: nn.Module, x: Tensor, stride: int = 1) -> Tensor:
    """A convolution of an odd window over pictures that are reflected at their edges: no dark borders."""
    assert isinstance(layer, nn.Conv2d)
    around = layer.kernel_size[0] // 2
    if around:
        x = F.pad(x, (around,) * 4, mode="reflect")
    return F.conv2d(x, layer.weight, layer.bias, stride)


def doubled(x: Tensor) -> Tensor:
    """Twice as high and wide, each place repeated."""
    *front, height, width = x.shape
    return x[..., :, None, :, None].expand(*front, height, 2, width, 2).reshape(*front, 2 * height, 2 * width)


def reach(blocks: int) -> int:
    """How far from a place the picture has a say in it, pixels at most: what tiles overlap by."""
    # Windows of 3 reach 1 px at full size, 2 at a half, 4 at a quarter; enlarged pixels begin on multiples of FACTOR.
    return 1 + 1 + 2 + 4 * blocks + 2 + 1 + 1 + FACTOR
