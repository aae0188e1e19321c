"""What the audit log says of orders and payments: numbers and words instead of ids and codes, each once."""

import re
from html import unescape

from flask import Flask

from storefront.payments.settlement import settle_payment
from storefront.staff.permissions import Role
from tests.admin.settings_forms import opened
from tests.mail.outbox import InShop
from tests.payments.conftest import Buyer
from tests.refunds.test_refunds import ask, paid_order
from tests.staff.factories import Staff, signed_in


def details(owner: Staff, query: str) -> list[str]:
    """Return the details of each row."""
    rows = owner.get(f"/admin/audit?{query}").text.partition("<tbody>")[2]
    return [unescape(cell).strip() for cell in re.findall(r'<td class="wide-cell">(.*?)</td>', rows, re.DOTALL)]


def test_order_that_was_not_paid_is_named_by_its_number(ada: Buyer) -> None:
    order = ada.order()
    with InShop(ada.app, "till"):
        settle_payment(order["id"], give_up_now=True)
    owner = signed_in(ada.app, "till", Role.OWNER)
    assert details(owner, "type=payment.expired") == [
        f"{order['number']} · Payment Waiting for payment → Not paid · Method Pay online"
    ]
    page = owner.get("/admin/audit?type=payment.expired").text
    assert "Not paid in time" not in page
    assert f'/admin/orders/{order["id"]}"' in owner.get(f"/admin/audit/{first_event(page)}").text


def first_event(page: str) -> str:
    return page.split('id="event_')[1].split('"', maxsplit=1)[0]


def test_refund_is_told_without_its_id(ada: Buyer) -> None:
    order_id = paid_order(ada, 1, "on_delivery")
    number = ada.find(order_id)["number"]
    refund = ask(ada, order_id, amount=100).json
    owner = signed_in(ada.app, "till", Role.OWNER)
    assert details(owner, "type=order.paid") == [
        f"{number} · Payment – → Paid · Amount €12.50 · Method Pay on delivery"
    ]
    page = owner.get("/admin/audit?type=order.refunded").text
    assert refund["id"] not in page
    assert details(owner, "type=order.refunded") == [
        f"{number} · Payment Paid → Partly refunded · Credit note {refund['number']} · Amount €1.00"
    ]


def test_row_does_not_repeat_what_it_is_about(ada: Buyer) -> None:
    order = ada.order("on_delivery", 1)
    owner = signed_in(ada.app, "till", Role.OWNER)
    assert details(owner, "type=order.placed") == [f"{order['number']} · Total €12.50"]


def test_methods_of_payment_are_in_words(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    path = "/admin/settings/payment"
    owner.post(path, opened(owner, path, "methods") | {"bank_transfer": "true"})
    assert details(owner, "type=settings.changed") == ["Payment · Bank transfer"]
