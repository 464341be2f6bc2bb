"""What a prepared folder holds, as a table to read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from metaart.data.shards import SPLITS, Dataset

_REASONS_SHOWN = 20


def table(dataset: Dataset) -> str:
    """Groups with split, works, what their medium shows, licence; totals by split; what was left out, by reason."""
    about, medium = dataset.metadata, dataset.medium
    head = ("split", "tradition", "group", "works", *medium.shown, "licence")
    rows = [
        (
            entry["split"],
            entry["tradition"],
            entry["name"],
            f"{entry['works']:,}",
            *(_cell(entry[key]) for key in medium.shown.values()),
            _licence(entry["licences"]),
        )
        for split in SPLITS
        for entry in about["groups"]
        if entry["split"] == split
    ]
    total = next(heading for heading, key in medium.shown.items() if key == medium.total)
    totals = [("split", "groups", "works", total)]
    for split in (*SPLITS, "all"):
        entries = [entry for entry in about["groups"] if split in (entry["split"], "all")]
        works, summed = sum(entry["works"] for entry in entries), sum(entry[medium.total] for entry in entries)
        totals.append((split, f"{len(entries):,}", f"{works:,}", f"{summed:,}"))
    reasons = Counter(_general(entry["reason"]) for entry in about["rejected"]).most_common()
    lines = [
        *_aligned([head, *rows], numbers=range(3, len(head) - 1)),
        "",
        *_aligned(totals, numbers=(1, 2, 3)),
        "",
        f"left out: {len(about['rejected']):,} works (metadata.json lists each)",
        *_aligned([(f"{count:,}", reason) for reason, count in reasons[:_REASONS_SHOWN]], numbers=(0,)),
    ]
    if len(reasons) > _REASONS_SHOWN:
        lines.append(f"and {len(reasons) - _REASONS_SHOWN} more reasons")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0%}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _licence(licences: dict[str, int]) -> str:
    first = next(iter(licences))
    return first[:60] + (f" (+{len(licences) - 1})" if len(licences) > 1 else "")


def _general(reason: str) -> str:
    """A reason without what differs from work to work."""
    reason = re.sub(r"^repeats a work of the (\w+) group .*", r"repeats a work of a \1 group", reason)
    reason = re.sub(r"^not permissive: the file says.*", "not permissive: by the file's own notice", reason)
    return re.sub(r"\S+/\S+", "...", reason)[:100]


def _aligned(rows: Sequence[Sequence[str]], numbers: Iterable[int]) -> list[str]:
    """Columns of equal width, numbers to the right."""
    right = set(numbers)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
