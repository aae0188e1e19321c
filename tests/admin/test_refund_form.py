"""The form of a refund when it is refused: staff always read why, also if others have changed the order meanwhile."""

import re

import pytest

from storefront.staff.permissions import Role
from tests.factories import import_tenants, product, tenant
from tests.payments.conftest import Buyer, ada, open_shop, stripe
from tests.refunds.test_refunds import ask, paid_order
from tests.staff.factories import Staff, api_key, bearer, signed_in

__all__ = ["ada", "open_shop", "stripe"]
FIELD = re.compile(r'name="refund_id" value="([^"]+)"')
REFUSAL = re.compile(r'class="refusal"[^>]*><p>([^<]+)</p>')


def offered_id(page: str) -> str:
    (found,) = FIELD.findall(page)
    return str(found)


def refused(clerk: Staff, order_id: str, **fields: str) -> str:
    answer = clerk.post(f"/admin/orders/{order_id}/refunds", fields)
    assert answer.status_code == 422
    return answer.text


def test_field_that_is_gone_has_its_message_above_the_form(ada: Buyer) -> None:
    shipping = [{"id": "pickup", "name": "Pick up", "price": "4.90", "default": True}]
    shop = tenant("till", product("tea", "12.50"), payment=["stripe"], shipping=shipping)
    import_tenants(ada.app, shop, refresh=True)
    order_id = paid_order(ada)
    clerk = signed_in(ada.app, "till", Role.CLERK)
    assert "refund_shipping" in clerk.get(f"/admin/orders/{order_id}").text
    assert ask(ada, order_id, shipping=490).status_code == 201
    page = refused(clerk, order_id, refund_shipping="4.90", refund_reason="Late")
    assert REFUSAL.findall(page) == ["This is more than what is left of the shipping."]
    assert "Late</textarea>" in page
    page = refused(clerk, order_id, refund_shipping="4.90", quantity_tea="9")
    assert REFUSAL.findall(page)[0] == "This is more than what is left of the shipping."
    assert "At most 2 of tea can be refunded." in page


@pytest.mark.parametrize("change", ["refunded", "cancelled", "unpaid"])
def test_order_without_a_form_shows_why(ada: Buyer, change: str) -> None:
    clerk = signed_in(ada.app, "till", Role.CLERK)
    order_id = ada.order("bank_transfer")["id"] if change == "unpaid" else paid_order(ada)
    message = "There is nothing left to refund for this order."
    if change == "refunded":
        assert ask(ada, order_id, amount=2500).status_code == 201
    elif change == "cancelled":
        headers = bearer(api_key(ada.app, "till", "orders:write"))
        assert ada.api("POST", f"/orders/{order_id}/cancel", {}, headers=headers).status_code == 200
    else:
        message = "This order hasn&#39;t been paid yet. Mark it as paid before you refund it."
    page = refused(clerk, order_id, quantity_tea="1")
    assert REFUSAL.findall(page) == [message]
    assert not FIELD.findall(page)


def test_form_that_was_sent_with_other_details_can_be_sent_again(ada: Buyer) -> None:
    order_id, clerk = paid_order(ada, 3), signed_in(ada.app, "till", Role.CLERK)
    path = f"/admin/orders/{order_id}/refunds"
    first = offered_id(clerk.get(f"/admin/orders/{order_id}").text)
    assert clerk.post(path, {"refund_id": first, "quantity_tea": "1"}).status_code == 303
    page = refused(clerk, order_id, refund_id=first, quantity_tea="2")
    assert "already sent with other details" in REFUSAL.findall(page)[0]
    assert '<details id="refund_details" class="confirm" open>' in page
    second = offered_id(page)
    assert second != first
    assert clerk.post(path, {"refund_id": second, "quantity_tea": "2"}).status_code == 303
    assert ada.server.account.money == 0
