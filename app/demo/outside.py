"""Outside ids as channels count them: each in its channel's shape, greater than the one before."""

from collections.abc import Callable
from random import Random

from app.demo.baskets import LETTERS
from app.demo.cast import Shop
from app.statuses import Channel


def cut(n: int, *widths: int) -> str:
    """Return a number's digits in groups, such as 12-34567-89012; widths are those of all but the first."""
    groups = []
    for width in reversed(widths):
        n, group = divmod(n, 10**width)
        groups.append(f"{group:0{width}}")
    return "-".join([str(n), *reversed(groups)])


# Channel -> where it begins, how far apart two ids lie at most, and how one is written.
SHAPES: dict[Channel, tuple[int, int, Callable[[int], str]]] = {
    Channel.INTAKE: (100_000, 3, lambda n: f"lot-{n}"),
    Channel.ETSY: (3_100_000_000, 900, str),
    Channel.EBAY: (10 * 10**10, 400_000, lambda n: cut(n, 5, 5)),
    Channel.AMAZON: (302 * 10**14, 10**10, lambda n: cut(n, 7, 7)),
    Channel.SHOPIFY: (10_000, 2, lambda n: f"#{n}"),
}
OTHERS: tuple[int, int, Callable[[int], str]] = (1_000_000, 9, str)


class OutsideIds:
    """The ids that channels give to the orders of all stores."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._last: dict[tuple[int, Channel], int] = {}

    def next(self, shop: Shop, channel: Channel) -> str:
        """Return the next id of an order of this store in this channel."""
        if channel is Channel.SQUARE:
            return "".join(self.rng.choices(LETTERS, k=22))
        first, apart, written = SHAPES.get(channel, OTHERS)
        key = (shop.store.id, channel)
        last = self._last.get(key, first)
        while (found := written(last := last + 1 + int(apart * self.rng.random()))) in shop.taken_ids:
            pass
        self._last[key] = last
        return found
