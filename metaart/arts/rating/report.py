"""An evaluation of rating as Markdown."""

from __future__ import annotations

from typing import Any

from metaart.evaluation.report import markdown

Result = dict[str, Any]


def rating_text(result: Result) -> str:
    """The tables of a rating."""
    kinds = ["all", *result["goes_by"]]
    rows = [["method", *(f"Spearman, {kind}" for kind in kinds), "mean error", f"in the interval % (of "
             f"{result['coverage']:.0%})", "half width"]]  # fmt: skip
    for name, row in result["methods"].items():
        cells = [f"{row[kind]['spearman']:.3f} ± {row[kind]['interval']:.3f}" if kind in row else "-" for kind in kinds]
        covered = f"{100 * row['covered']:.1f} ± {100 * row['covered_interval']:.1f}"
        rows.append([name, *cells, f"{row['mean_error']:.2f}", covered, f"{row['bound']:.2f}"])
    counts = ", ".join(f"{count} go by {kind}" for kind, count in result["goes_by"].items())
    head = (
        f"{result['episodes']} episodes of made test curators ({counts}), {result['shots']} rated examples, "
        f"{result['query']} works asked about; mean ± 95 % interval over episodes. Their taste is made and known: "
        "nothing here is a person's judgement."
    )
    ahead = [["ahead of, Spearman, paired", *kinds]]
    for meta in dict.fromkeys(row["meta"] for row in result["paired"]):
        for other in dict.fromkeys(row["other"] for row in result["paired"] if row["meta"] == meta):
            found = {row["curators"]: row for row in result["paired"] if (row["meta"], row["other"]) == (meta, other)}
            cells = [f"{found[kind]['ahead']:+.3f} ± {found[kind]['interval']:.3f}" if kind in found else "-"
                     for kind in kinds]  # fmt: skip
            ahead.append([f"{meta} over {other}", *cells])
    return "\n\n".join([head, markdown(rows), markdown(ahead)]) + "\n"
