"""A few works of each group of a prepared folder, to look at."""

from __future__ import annotations

from metaart.data.shards import SPLITS, Dataset
from metaart.errors import UserError
from metaart.formats.pictures.read import write_png
from metaart.formats.pictures.sheet import contact_sheet


def sheet(dataset: Dataset, per_group: int = 8) -> bytes:
    """A contact sheet as PNG: one row per group, by split, with works spread evenly over it.

    Args:
        dataset: of pictures.
        per_group: most works of a group.

    Raises:
        UserError: works of another medium.
    """
    if dataset.medium.name != "pictures":
        raise UserError(
            expected="a prepared folder of pictures",
            got=f"{dataset.where}, which holds {dataset.medium.name}",
            fix="Leave out --sheet; metaart draw shows music.",
        )
    rows = []
    for split in SPLITS:
        for group in dataset.groups(split):
            works = dataset.works(group)
            chosen = works[:: max(len(works) // per_group, 1)][:per_group]
            rows.append((f"{split}: {group} ({len(works):,})", [work.pixels() for work in chosen]))
    return write_png(contact_sheet(rows))
