"""The data of a toy art: ten lines, each with four verses of a poet; and the source that they come from."""

from __future__ import annotations

from metaart.data.base import Entry, Group, Rejected, Source, Split
from metaart.errors import UserError
from tests.verse.medium import TextMedium

POEMS = """\
blake: tyger tyger burning bright / in the forests of the night / what immortal hand or eye / could frame thy symmetry
blake: little lamb who made thee / dost thou know who made thee / gave thee life and bid thee feed / by the stream
burns: my heart is in the highlands / my heart is not here / a chasing the wild deer / and following the roe
burns: o my luve is like a red red rose / that is newly sprung in june / like the melody / sweetly played in tune
carroll: twas brillig and the slithy toves / did gyre and gimble in the wabe / all mimsy / and the mome raths outgrabe
carroll: how doth the little crocodile / improve his shining tail / and pour the waters of the nile / on every scale
dickinson: hope is the thing with feathers / that perches in the soul / and sings the tune / and never stops at all
dickinson: because i could not stop for death / he kindly stopped for me / the carriage held / but just ourselves
lear: the owl and the pussycat went to sea / in a beautiful pea green boat / they took some honey / and plenty of money
lear: there was an old man with a beard / who said it is just as i feared / two owls and a hen / four larks and a wren
"""

_SPLITS: dict[str, Split] = {"carroll": "validation", "lear": "test"}


class Lines(Source):
    """The verses above; every poet is a hand, every verse a work."""

    name, min_works, medium = "lines", 2, TextMedium()

    def groups(self) -> list[Group]:
        """The poets."""
        poets = dict.fromkeys(line.partition(": ")[0] for line in POEMS.splitlines())
        return [Group(poet, poet, _SPLITS.get(poet, "train")) for poet in poets]

    def entries(self, group: str) -> list[Entry | Rejected]:
        """The verses of a poet."""
        verses = [verse for line in POEMS.splitlines() if line.startswith(f"{group}: ")
                  for verse in line.partition(": ")[2].split(" / ")]  # fmt: skip
        return [
            Entry(group, f"{group} {number}", verse, "this file", "public domain", True, verse)
            for number, verse in enumerate(verses, start=1)
        ]

    def read(self, entry: Entry) -> bytes:
        """The verse as a text file."""
        if entry.content not in POEMS:
            raise UserError(expected="one of the verses", got=repr(entry.content), fix="Take one that is there.")
        return entry.content.encode()
