"""Refunds in the sales of the back office, and the states that its pages of orders show."""

from datetime import timedelta

import time_machine

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.orders.sales import Sales, sales_by_day
from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from tests.payments.conftest import Buyer
from tests.refunds.test_refunds import ask, paid_order
from tests.staff.factories import signed_in


def sales_of_yesterday(buyer: Buyer) -> Sales:
    with buyer.app.app_context(), tenant_context("till"):
        zone = registry().all()["till"].timezone
        yesterday = now().astimezone(zone).date() - timedelta(days=1)
        return sales_by_day(yesterday, yesterday, zone)[yesterday]


def test_sales_of_a_day_are_without_what_was_refunded_later(ada: Buyer) -> None:
    order_id = paid_order(ada, 2, "on_delivery")
    ada.order("on_delivery", 1)
    with time_machine.travel(now() + timedelta(days=1)):
        assert sales_of_yesterday(ada) == Sales(2, 3750)
        ask(ada, order_id, amount=500)
        assert sales_of_yesterday(ada) == Sales(2, 3250)
        ask(ada, order_id, amount=2000)
        assert sales_of_yesterday(ada) == Sales(2, 1250)
        page = signed_in(ada.app, "till", Role.OWNER).get("/admin/").text
    assert "and what was refunded." in page


def test_refund_that_has_failed_is_still_revenue(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.account.refund_status = "failed"
    ask(ada, order_id, amount=500)
    with time_machine.travel(now() + timedelta(days=1)):
        assert sales_of_yesterday(ada) == Sales(1, 2500)


def test_orders_page_and_list_show_how_refunds_are(ada: Buyer) -> None:
    order_id = paid_order(ada)
    clerk = signed_in(ada.app, "till", Role.CLERK)

    def shown() -> list[str]:
        texts = ("Partly refunded", "Refund on its way", "Refund failed")
        row = clerk.get("/admin/orders").text.partition('id="row_')[2].partition("</tr>")[0]
        head = clerk.get(f"/admin/orders/{order_id}").text.partition('class="order-head"')[2].partition("</header>")[0]
        assert [text for text in texts if text in row] == [text for text in texts if text in head]
        return [text for text in texts if text in row]

    assert shown() == []
    ask(ada, order_id, amount=500)
    assert shown() == ["Partly refunded"]
    ada.server.account.refund_status = "pending"
    ask(ada, order_id, amount=500)
    assert shown() == ["Partly refunded", "Refund on its way"]
    (waiting,) = [one for one in ada.server.account.refunds.values() if one["status"] == "pending"]
    waiting["status"] = "failed"
    with time_machine.travel(now() + timedelta(hours=1)):
        ada.work()
    assert shown() == ["Partly refunded", "Refund failed"]
