"""What staff read of the money when they cancel a paid order: before in the form, and afterwards."""

import pytest

from storefront.staff.permissions import Role
from tests.payments.conftest import Buyer
from tests.refunds.test_refunds import ask, paid_order
from tests.staff.factories import Staff, signed_in

BY_HAND = "Please pay back €24.00 yourself: the shop only records it."


def cancel_form(clerk: Staff, order_id: str) -> str:
    return clerk.get(f"/admin/orders/{order_id}").text.partition(f"{order_id}/cancel")[2].partition("</form>")[0]


def cancel(clerk: Staff, order_id: str) -> str:
    """Return the page after the cancellation."""
    assert clerk.post(f"/admin/orders/{order_id}/cancel", {"restock": "true"}).status_code == 303
    return clerk.get(f"/admin/orders/{order_id}").text


@pytest.mark.parametrize(
    ("method", "before", "after"),
    [
        ("stripe", "€24.00 will be refunded.", "Order cancelled. €24.00 was refunded."),
        ("bank_transfer", BY_HAND, f"Order cancelled. {BY_HAND}"),
        ("on_delivery", BY_HAND, f"Order cancelled. {BY_HAND}"),
    ],
)
def test_cancelling_says_how_much_goes_back_and_by_which_way(ada: Buyer, method: str, before: str, after: str) -> None:
    order_id = paid_order(ada, 2, method)
    ask(ada, order_id, amount=100)
    clerk = signed_in(ada.app, "till", Role.CLERK)
    assert before in cancel_form(clerk, order_id)
    assert after in cancel(clerk, order_id)


def test_nothing_is_said_of_money_that_has_not_come(ada: Buyer) -> None:
    order_id = str(ada.order("bank_transfer")["id"])
    clerk = signed_in(ada.app, "till", Role.CLERK)
    assert "€25.00" not in cancel_form(clerk, order_id)
    page = cancel(clerk, order_id)
    assert "Order cancelled." in page
    assert "pay back" not in page
    assert "Order cancelled. " not in page


def test_cancelling_says_what_the_provider_has_not_done(ada: Buyer) -> None:
    clerk = signed_in(ada.app, "till", Role.CLERK)
    waiting, refused = paid_order(ada), paid_order(ada)
    ada.server.faults.answers = [500]
    assert "Order cancelled. The refund of €25.00 is on its way." in cancel(clerk, waiting)
    ada.server.account.refund_status = "failed"
    assert "refund €25.00." in cancel(clerk, refused)
