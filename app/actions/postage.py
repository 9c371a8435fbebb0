"""The postage of things that are sent together (law 6; reference 2.5). A pure rule."""

from collections.abc import Iterable
from typing import NamedTuple


class Posted(NamedTuple):
    """A line as its postage is reckoned; money in minor units.

    `additional` is for every `per` full further units: "0.50/3" adds 0.50 once for each three.
    """

    units: int
    postage: int
    additional: int
    per: int

    def further(self, units: int) -> int:
        """Return what so many units cost beside the one that pays its postage."""
        return units // self.per * self.additional

    @property
    def spared(self) -> int:
        """Return what is spared where one unit of the line pays its postage instead of its additional."""
        return self.further(self.units) - self.further(self.units - 1)


def postage_of(lines: Iterable[Posted]) -> int:
    """Return the postage of all lines together, in minor units.

    The unit with the highest postage pays it, all other units their additional. Among equals the one pays
    that spares most: the cheapest for the buyer, and the same in whatever sequence the lines came.
    """
    lines = list(lines)
    if not lines:
        return 0
    dearest = max(lines, key=lambda line: (line.postage, line.spared))
    return dearest.postage - dearest.spared + sum(line.further(line.units) for line in lines)
