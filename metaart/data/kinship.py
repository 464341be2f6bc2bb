"""Which sets of drawings are kin: of one house, or alike where they draw the same things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metaart.data.base import Split
from metaart.formats.pictures.read import Pixels

_SHAPE_SIDE = 24
_INK = 40
_ALIKE = 0.95
_KIN_SHARE = 0.4
_FEWEST_SHARED = 8
_LARGE_FAMILY = 0.1
_TEST, _VALIDATION = 0.2, 0.15

Shape = NDArray[np.float32]
"""(576,): ink of a drawing, cut to its bounding square, less its mean, of length one."""


def houses(prefix: str, author: str, address: str) -> set[str]:
    """What a set of drawings has in common with its kin by name.

    The first word of its prefix without a number (`fa6-solid`: fa), its author without a legal form, and the owner of
    its repository. Sets that share one of them are of one house.

    Args:
        prefix: short name of the set.
        author: who drew it.
        address: web address of the set or its author.
    """
    found = {f"prefix {re.sub(r'[0-9]+$', '', prefix.split('-')[0])}"}
    name = re.sub(r"[ ,]+(inc|llc|corporation|ag|gmbh|b\.v)\.?$", "", author.lower())
    if name:
        found.add(f"author {name}")
    owner = re.match(r"https://(?:www\.)?git(?:hub|lab)\.com/([^/]+)", address)
    if owner:
        found.add(f"owner {owner[1].lower()}")
    return found


def shape(pixels: Pixels) -> Shape | None:
    """What is compared of a drawing, whatever its margin and size; None where nothing is drawn.

    Args:
        pixels: uint8 (height, width, 3), dark on white.
    """
    ink = 255 - pixels.mean(-1)  # grey: copies of a drawing may differ in colour
    rows, columns = np.flatnonzero((ink > _INK).any(1)), np.flatnonzero((ink > _INK).any(0))
    if not len(rows):
        return None
    # The square around the ink, its middle kept: a wide shape must not become like a tall one by stretching.
    side = max(rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0])
    top, left = (rows[0] + rows[-1] + 1 - side) / 2, (columns[0] + columns[-1] + 1 - side) / 2
    step = side / _SHAPE_SIDE
    cut = Image.fromarray(ink.astype(np.uint8)).transform(
        (_SHAPE_SIDE, _SHAPE_SIDE), Image.Transform.AFFINE, (step, 0, left, 0, step, top), Image.Resampling.BILINEAR
    )
    values = np.asarray(cut, np.float32).ravel()
    # Less the mean and of length one, the product of two shapes is their correlation.
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else None


def alike(shapes: Mapping[str, Mapping[str, Shape]]) -> list[tuple[str, str]]:
    """Pairs of sets that are copies of each other, by the pixels of the subjects that both draw.

    Two drawings are alike where the correlation of their shapes is above 0.95; two sets are, where they share at least
    8 of the subjects given and 40 % of those are alike. Measured on the 64 most shared subjects of `@iconify/json`
    2.2.535: forks and successors lie between 0.42 and 1 (ion and famicons 0.98, mdi and zmdi 0.68, feather and lucide
    0.56), and unrelated sets below, most of them under 0.05, though plain arrows and crosses are the same everywhere;
    between 0.3 and 0.4 both occur. A pair too many costs a family, a pair too few lets a copy of a test set into
    training.

    Args:
        shapes: by set and subject.
    """
    found = []
    for one, other in combinations(sorted(shapes), 2):
        shared = sorted(shapes[one].keys() & shapes[other].keys())
        if len(shared) < _FEWEST_SHARED:
            continue
        left, right = (np.stack([shapes[name][subject] for subject in shared]) for name in (one, other))
        # Rows are unit vectors: a row's sum of products is the correlation of two drawings of one subject.
        if ((left * right).sum(1) > _ALIKE).mean() >= _KIN_SHARE:
            found.append((one, other))
    return found


def families(members: Mapping[str, set[str]], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The family of each set: connected by a shared house or a pair, and named by its first member.

    Args:
        members: houses by set.
        pairs: sets that are alike.
    """
    # Union-find without ranks: there are some hundred sets, and the smaller name is always the head.
    head = {name: name for name in members}

    def first(name: str) -> str:
        while head[name] != name:
            name = head[name]
        return name

    def join(one: str, other: str) -> None:
        low, high = sorted((first(one), first(other)))
        head[high] = low

    first_of: dict[str, str] = {}
    for name in sorted(members):
        for house in sorted(members[name]):
            join(first_of.setdefault(house, name), name)  # with the first set that was seen of this house
    for one, other in pairs:
        join(one, other)
    return {name: first(name) for name in members}


def split_families(family: Mapping[str, str], strata: Mapping[str, str]) -> dict[str, Split]:
    """The split of each family, from names alone and so the same on every machine.

    Each stratum apart (a family belongs to the last, in the alphabet, of its members' strata: one with a monochrome set
    counts as monochrome): families in the order of the SHA-256 of their names are for testing until a fifth of the
    stratum's sets is, then for validation until 15 % are, the rest for training; a family of several sets that are
    more than a tenth is always for training.

    Args:
        family: by set.
        strata: a name by set, such as colour or monochrome.
    """
    sets: dict[str, list[str]] = {}
    for name, head in family.items():
        sets.setdefault(head, []).append(name)
    # max, so that a family of both kinds counts as monochrome: "mono" comes after "colour".
    stratum = {head: max(strata[name] for name in names) for head, names in sets.items()}
    splits: dict[str, Split] = {}
    for layer in sorted(set(stratum.values())):
        heads = _by_digest([head for head in sets if stratum[head] == layer])
        total = sum(len(sets[head]) for head in heads)
        sizes = {"test": 0, "validation": 0}
        for head in heads:
            # A large family in test or validation would be most of it; a stratum of one or two has nothing to spare.
            size = len(sets[head])
            split: Split = "train"
            if len(heads) >= 3 and (size <= _LARGE_FAMILY * total or size == 1):
                if sizes["test"] < _TEST * total:
                    split = "test"
                elif sizes["validation"] < _VALIDATION * total:
                    split = "validation"
            if split != "train":
                sizes[split] += size
            splits[head] = split
    return splits


def _by_digest(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
