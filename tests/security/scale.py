"""How much of a wall is walked: a share of it in every run of the tests, all of it by `make walls`."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

WHOLE = os.environ.get("TRADEPOST_WALLS") == "whole"
Case = TypeVar("Case")


def share(cases: Sequence[Case], of: int) -> Sequence[Case]:
    """Return all cases, or one in so many in a short run: always the same ones, in their order."""
    if WHOLE or of <= 1:
        return cases
    chosen = random.Random(len(cases)).sample(range(len(cases)), -(-len(cases) // of))
    return [cases[n] for n in sorted(chosen)]
