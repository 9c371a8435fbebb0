"""What an act owes to the world outside, written at its end and with it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from app.actions.hooks import Change, owe_hooks
from app.actions.tidings import owe_tidings
from app.models import Order

if TYPE_CHECKING:
    from app.actions.ledger import Act


def owe_outside(act: "Act", orders: Mapping[int, Order], changes: Iterable[Change]) -> None:
    """Write what programs and marketplaces are owed of an act; `orders` are those that it held."""
    owe_hooks(act, orders, changes)
    owe_tidings(act, orders)
