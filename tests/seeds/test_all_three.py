"""What the three seeds say of one and the same act, together."""

from collections.abc import Callable

import pytest

from app.db import db
from app.models import Event
from tests.api.caller import Caller, is_success
from tests.api.hip_caller import HipCaller
from tests.api.weebly import WeeblyCaller
from tests.factories import GOODS, Factory

pytestmark = pytest.mark.seed


@pytest.mark.both
@pytest.mark.parametrize("door", ["Okanjo's", "Hip's"])
def test_one_ship_act_is_told_in_every_dialect(
    okanjo: Caller, hip: HipCaller, weebly: WeeblyCaller, make: Factory, door: str
) -> None:
    order = make.sale(GOODS)
    (item,) = make.items_of(order)

    def history() -> list[int]:
        return [row["status"] for row in okanjo.shown(item, {"embed": "history"})["history"]]

    before = history()
    ships: dict[str, Callable[[], bool]] = {
        "Okanjo's": lambda: is_success(okanjo.put(item, status=3, tracking_number="1Z 9")),
        "Hip's": lambda: (
            hip.put(order, data={"flag_shipping": 1, "tracking_link": "1Z 9"}).status_code == 200
        ),
    }
    assert ships[door]()
    assert (okanjo.shown(item)["status"], hip.sale(order)["flag_shipping"]) == (3, "1")
    told = weebly.told(order)
    assert told["order_status"] == "shipped"
    assert [len(shipment["transactions"]) for shipment in told["shipments"]] == [1]
    assert history() == [*before, 3]
    with okanjo.app.app_context():
        verbs = {verb for (verb,) in db.session.query(Event.verb).filter_by(order_id=order)}
        acts = db.session.query(Event.act_id).filter_by(order_id=order, verb="ship").distinct().count()
    assert ("ship" in verbs, acts) == (True, 1)
