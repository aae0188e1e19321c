"""What a refund puts back into stock: each unit comes back once, also if refunds fail and are repeated."""

import pytest

from tests.payments.conftest import Buyer
from tests.refunds.test_refunds import ask, paid_order


def give_back(buyer: Buyer, order_id: str, quantity: int, succeeds: bool = True, restock: bool = True) -> None:
    buyer.server.account.refund_status = "succeeded" if succeeds else "failed"
    answer = ask(buyer, order_id, items=[{"product_id": "tea", "quantity": quantity}], restock=restock, amount=10)
    assert answer.json["status"] == buyer.server.account.refund_status, answer.text


@pytest.mark.parametrize("failures", [1, 3])
def test_part_of_an_order_comes_back_once_however_often_its_refund_fails(ada: Buyer, failures: int) -> None:
    order_id = paid_order(ada, 5)
    for _ in range(failures):
        give_back(ada, order_id, 1, succeeds=False)
        assert ada.left == 5 + 1
    give_back(ada, order_id, 1)
    assert ada.left == 5 + 1
    give_back(ada, order_id, 2)
    assert ada.left == 5 + 3, "other units didn't come back"


def test_more_units_than_the_failed_refund_had(ada: Buyer) -> None:
    order_id = paid_order(ada, 5)
    give_back(ada, order_id, 1)
    give_back(ada, order_id, 1, restock=False)
    give_back(ada, order_id, 1, succeeds=False)
    give_back(ada, order_id, 3)
    assert ada.left == 5 + 1 + 3


def test_fewer_units_than_the_failed_refund_had(ada: Buyer) -> None:
    order_id = paid_order(ada, 5)
    give_back(ada, order_id, 3, succeeds=False)
    for _ in range(3):
        give_back(ada, order_id, 1)
        assert ada.left == 5 + 3
    give_back(ada, order_id, 2)
    assert ada.left == 10


def test_unit_that_a_repeated_refund_says_nothing_about_is_back_already(ada: Buyer) -> None:
    order_id = paid_order(ada, 2)
    give_back(ada, order_id, 1, succeeds=False)
    give_back(ada, order_id, 1, restock=False)
    give_back(ada, order_id, 1)
    assert ada.left == 10
