"""The acts, one by one."""

from tests.factories import GOODS, Factory


def test_a_paid_sale_of_goods_waits_to_be_shipped(make: Factory) -> None:
    assert make.sale_row(make.sale(GOODS)).desk_state == "to_ship"
