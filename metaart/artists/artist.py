"""An artist: a run adapted to a few works, as a value that can be looked at, kept in a file and blended with others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from metaart.errors import TooLarge, UserError, WrongFormat
from metaart.files import read_file, write_file
from metaart.tasks import Examples, Params

SUFFIX = ".artist"
FORMAT = 1
"""Of the file; to be raised when another version could not read it."""

MAX_FILE_BYTES = 256 * 2**20
_WEIGHTS, _BESIDE = "weights/", "beside/"


class Verdict(NamedTuple):
    """What became of one work.

    Attributes:
        name: of the work.
        accepted: whether it was learned from.
        reason: why not; of an accepted one, what is worth knowing, if anything.
    """

    name: str
    accepted: bool
    reason: str = ""


class Support(NamedTuple):
    """Works as an art reads them.

    Attributes:
        examples: what is adapted to.
        beside: what creating or judging needs of the works beside the adapted weights (style statistics, the examples
            themselves), as named tensors; of one shape for artists that are to be blended.
        notes: the same of what is no tensor (names of hands), as JSON takes it.
    """

    examples: Examples
    beside: Mapping[str, Tensor] = {}
    notes: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Artist:
    """A run adapted to works.

    Attributes:
        art: of the run.
        run: its name.
        run_hash: of its weights and configuration; another run's artist is refused.
        name: of the artist.
        weights: those that adapting may change, by the learner's names; the same shapes for every artist of a run.
        beside, notes: see `Support`.
        verdicts: on every work, in their order.
        losses: support loss before the first step and after each; empty where nobody asked.
        steps: adaptation steps taken.
        seconds: that adapting took, reading not counted.
    """

    art: str
    run: str
    run_hash: str
    name: str
    weights: Params = field(repr=False)
    beside: Mapping[str, Tensor] = field(repr=False)
    notes: Mapping[str, Any] = field(repr=False)
    verdicts: tuple[Verdict, ...]
    losses: tuple[float, ...]
    steps: int
    seconds: float

    @property
    def num_works(self) -> int:
        """Works that were learned from."""
        return sum(verdict.accepted for verdict in self.verdicts)

    def save(self, path: Path | str) -> Path:
        """Write it to one file: safetensors, with all else as JSON in its metadata.

        Raises:
            UserError: it cannot be written.
        """
        path = Path(path)
        # One flat table of names is all that safetensors has, without gaps in memory; its metadata takes texts alone.
        tensors = {_WEIGHTS + name: value.contiguous() for name, value in self.weights.items()}
        tensors |= {_BESIDE + name: value.contiguous() for name, value in self.beside.items()}
        rest = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("art", "run", "run_hash", "name", "notes", "steps", "seconds")},
            "losses": list(self.losses),
            "verdicts": [list(verdict) for verdict in self.verdicts],
        }
        write_file(path, safetensors.torch.save(tensors, metadata={"metaart": json.dumps(rest)}))
        return path

    def table(self) -> str:
        """The verdicts and the losses in words, a line each."""
        lines = [f"  {'+' if verdict.accepted else '-'} {verdict.name}" + f": {verdict.reason}" * bool(verdict.reason)
                 for verdict in self.verdicts]  # fmt: skip
        if self.losses:
            lines.append("  loss on the works by step: " + " ".join(f"{loss:.4f}" for loss in self.losses))
        return "\n".join(lines)


def read_artist(path: Path | str) -> Artist:
    """An artist that `Artist.save` wrote; no code of the file is run.

    Raises:
        UserError: it cannot be read, or another version wrote it.
        TooLarge: it is above 256 MiB.
        WrongFormat: it is no such file.
    """
    path = Path(path)
    # Before it is read: a file from outside may be of any size.
    if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
        raise TooLarge(
            expected=f"an artist of at most {MAX_FILE_BYTES:,} bytes",
            got=f"{path} of {path.stat().st_size:,}",
            fix="Adapt again: metaart adapt ART --examples ... --out new.artist",
        )
    data = read_file(path, "an artist that `metaart adapt` wrote")
    try:
        tensors = safetensors.torch.load(data)
        # The header is JSON behind its length, eight bytes (safetensors' format); what was just parsed is whole.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        rest = json.loads(header["__metadata__"]["metaart"])
        return _artist(tensors, rest, path)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        # A UserError is a ValueError too, and says already what is wrong.
        if isinstance(error, UserError):
            raise
        raise WrongFormat(
            expected="an artist that `metaart adapt` wrote",
            got=f"{path}, which is none or damaged ({type(error).__name__})",
            fix="Adapt again: metaart adapt ART --examples ... --out new.artist",
        ) from error


def checked(artist: Artist, run_hash: str, shapes: Mapping[str, torch.Size]) -> Artist:
    """An artist, which must belong to the run with this hash and these weights.

    Raises:
        UserError: it is of another run.
    """
    if artist.run_hash != run_hash or {name: value.shape for name, value in artist.weights.items()} != shapes:
        raise UserError(
            expected="an artist of this run",
            got=f"{artist.name}, of {artist.run} ({artist.art}, {artist.run_hash[:12]}), where this is {run_hash[:12]}",
            fix="Give the run it was made with, or adapt this run to the same works: metaart adapt.",
        )
    return artist


def blended(artists: Sequence[Artist], shares: Sequence[float] | None = None) -> Artist:
    """Several artists of one run as one: the mean of their weights, which all started alike, and of what is beside.

    Args:
        artists: one or more.
        shares: of each, above 0; equal parts if left out. They are divided by their sum.

    Raises:
        UserError: none, of several runs, of an art that does not blend, or shares that make no sense.
    """
    if not artists or (shares is not None and (len(shares) != len(artists) or min(shares) <= 0)):
        raise UserError(
            expected="one artist or more, and for each a share above 0 if any",
            got=f"{len(artists)} artists, shares {shares}",
            fix="Leave the shares out for equal parts.",
        )
    first = artists[0]
    if len(artists) == 1:
        return first
    if len({artist.run_hash for artist in artists}) > 1:
        raise UserError(
            expected="artists of one run",
            got=", ".join(f"{artist.name} of {artist.run} ({artist.run_hash[:12]})" for artist in artists),
            fix="Adapt one run to all of them.",
        )
    # What is noted (names of hands, scores) belongs to single works, and has no mean.
    if any(artist.notes for artist in artists):
        raise UserError(
            expected="artists that create",
            got=f"artists of {first.art}, which are sets of examples",
            fix="Put the examples of all hands into one folder, and adapt to that.",
        )

    def mean(of: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        stacks = {name: torch.stack([one[name] for one in of]) for name in of[0]}
        if shares is None:
            return {name: stack.mean(0) for name, stack in stacks.items()}
        # Divided in double, and only then rounded to what the weights can hold.
        parts = torch.tensor(shares, dtype=torch.float64) / sum(shares)
        return {name: torch.tensordot(parts.to(stack.dtype), stack, 1) for name, stack in stacks.items()}

    return Artist(
        first.art,
        first.run,
        first.run_hash,
        " + ".join(artist.name for artist in artists),
        mean([artist.weights for artist in artists]),
        mean([artist.beside for artist in artists]),
        {},
        tuple(verdict for artist in artists for verdict in artist.verdicts),
        (),
        max(artist.steps for artist in artists),
        sum(artist.seconds for artist in artists),
    )


def _artist(tensors: Mapping[str, Tensor], rest: Mapping[str, Any], path: Path) -> Artist:
    if rest["format"] != FORMAT:
        raise UserError(
            expected=f"an artist of format {FORMAT}",
            got=f"{path} of format {rest['format']!r:.20}",
            fix="Use the version of metaart that wrote it, or adapt again.",
        )

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    weights = part(_WEIGHTS)
    # Looked at here, where the file can be named: one such number would make everything that is created no number.
    if not all(bool(value.isfinite().all()) for value in weights.values()):
        raise ValueError("weights that are no finite numbers")
    return Artist(
        str(rest["art"]),
        str(rest["run"]),
        str(rest["run_hash"]),
        str(rest["name"]),
        weights,
        part(_BESIDE),
        dict(rest["notes"]),
        tuple(Verdict(str(name), bool(accepted), str(reason)) for name, accepted, reason in rest["verdicts"]),
        tuple(float(loss) for loss in rest["losses"]),
        int(rest["steps"]),
        float(rest["seconds"]),
    )
