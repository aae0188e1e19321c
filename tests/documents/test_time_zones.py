"""Issued documents keep their dates and the shop's name, whatever the shop's settings become."""

import re
from datetime import UTC, datetime

import time_machine
from flask import Flask

from storefront.staff.permissions import Role
from tests.documents.shops import PRODUCTS, SETTINGS, open_shop, visible_text
from tests.documents.test_credit_notes import PAID, buy_and_pay, refund
from tests.documents.test_invoices import issue
from tests.factories import import_tenants, tenant
from tests.staff.factories import signed_in

NEW_YEARS_EVE = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)


def test_issued_documents_keep_their_dates_in_another_time_zone(app: Flask) -> None:
    with time_machine.travel(NEW_YEARS_EVE):
        shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
        order_id = buy_and_pay(shop, clerk)
        clerk.post(f"/admin/orders/{order_id}/fulfil", {})
        assert issue(clerk, order_id).startswith("INV-2026-")
        path, number = refund(app, shop, order_id, amount=100)
        assert number.startswith("CN-2026-")
        pages = [f"/admin/orders/{order_id}/invoice", f"/admin{path}"]
        before = [visible_text(clerk.get(page).text) for page in pages]
        for text, dates in zip(before, (3, 3), strict=True):
            assert re.findall(r"31 December 2026|1 January 2027", text) == ["31 December 2026"] * dates
        moved = tenant("west", *PRODUCTS, **SETTINGS | PAID | {"timezone": "Asia/Tokyo", "name": "East"})
        import_tenants(app, moved, refresh=True)
        assert [visible_text(clerk.get(page).text) for page in pages] == before
        assert "1 January 2027" in visible_text(clerk.get(f"/admin/orders/{order_id}/print").text)
