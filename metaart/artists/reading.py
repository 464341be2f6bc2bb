"""From a user's files to what a run is adapted to, with a verdict on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from metaart.artists.artist import Support, Verdict
from metaart.artists.requests import check_number
from metaart.artists.works import Work, WorksInput
from metaart.domains import Domain
from metaart.errors import UserError


class Reader(Protocol):
    """What is asked of an art (`artists.art.Art`)."""

    def read(self, domain: Domain, work: Work) -> Any:
        """One work; a `UserError` where it cannot be used."""

    def support(self, domain: Domain, read: Sequence[Any], works: Sequence[Work]) -> Support:
        """All that could be read, as what is adapted to."""


def read_works(
    art: Reader, domain: Domain, wanted: WorksInput, works: Sequence[Work], *, strict: bool
) -> tuple[Support, tuple[Verdict, ...]]:
    """Works as what is adapted to, and what became of each.

    Args:
        art: whose works they are.
        domain: of the run that is to be adapted.
        wanted: how many works, and of which format.
        works: files that nobody vouches for.
        strict: refuse all where one cannot be used, in place of passing it over.

    Raises:
        TooLarge, UserError: too few or too many; one that cannot be used (`strict`), or too few that can.
    """
    check_number(works, wanted)
    if wanted.counted:
        # Works that are refused by themselves do not count, where they may be passed over.
        counted = works if strict else [work for work in works if _sound(work, wanted)]
        wanted.format.check([work.data for work in counted], [work.name for work in counted])
    read, accepted, verdicts = [], [], []
    first_refusal: UserError | None = None
    for work in works:
        try:
            read.append(art.read(domain, work))
        except UserError as error:
            if strict:
                raise
            first_refusal = first_refusal or error
            verdicts.append(Verdict(work.name, False, str(error)))
        else:
            accepted.append(work)
            verdicts.append(Verdict(work.name, True))
    # Said with the reason of the first: "too few" alone would not tell what is wrong with them.
    if first_refusal is not None and len(accepted) < wanted.least:
        raise first_refusal
    return art.support(domain, read, accepted), tuple(verdicts)


def _sound(work: Work, wanted: WorksInput) -> bool:
    """Whether a work passes the count by itself."""
    try:
        wanted.format.check([work.data], [work.name])
    except UserError:
        return False
    return True
