"""Numbers that a browser would not send: each is left out or refused, and none ends in an error of the server."""

from flask import Flask

from storefront.staff.permissions import Role
from tests.staff.factories import signed_in

LISTS = ("orders", "products", "audit", "upsell/calls", "upsell/impressions")
TOO_LARGE = ("9223372036854775807", "9223372036854775808", "9" * 19, "9" * 5000)


def test_a_position_that_no_row_can_have_is_left_out(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    for path in LISTS:
        first = owner.get(f"/admin/{path}")
        for name in ("after", "before"):
            for text in (*TOO_LARGE, "-1", "x", "\u0663"):
                answer = owner.get(f"/admin/{path}", query_string={name: text})
                assert (answer.status_code, answer.text.count("data-row")) == (200, first.text.count("data-row")), (
                    path,
                    name,
                    text[:20],
                )


def test_a_stock_that_is_no_number_is_refused(app: Flask) -> None:
    manager = signed_in(app, "north", Role.MANAGER)
    for text in ("-+5", "+-5", "--5", "+", "1e3", "9" * 13, "9" * 5000):
        for how in ("set", "adjust"):
            answer = manager.post("/admin/products/beans/stock", {"amount": text, "how": how})
            assert (answer.status_code, "Enter a whole number." in answer.text) == (422, True), text[:20]
        fields = {"name": "Lamp", "price": "1", "stock": text}
        assert manager.post("/admin/products/new", fields).status_code == 422, text[:20]
    for text in ("+3", "\u22121", " 2 "):
        answer = manager.post("/admin/products/beans/stock", {"amount": text, "how": "adjust"})
        assert answer.status_code == 303, text


def test_a_former_stock_that_is_no_number_is_left_out(app: Flask) -> None:
    manager = signed_in(app, "north", Role.MANAGER)
    for text in ("9" * 5000, "-1", "x", "\u00b2"):
        answer = manager.post("/admin/products/beans/stock", {"amount": "5", "was_stock": text})
        assert answer.status_code == 303, text[:20]
