"""The back office's pages of orders."""

import re
from html.parser import HTMLParser

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import cancel, place_order
from tests.staff.factories import Staff, signed_in


@pytest.fixture
def clerk(app: Flask) -> Staff:
    return signed_in(app, "north", Role.CLERK)


class Rows(HTMLParser):
    """The ids of the orders that a list shows, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        id = dict(attrs).get("id") or ""
        if tag == "a" and id.startswith("row_"):
            self.ids.append(id.removeprefix("row_"))


def listed(person: Staff, query: str = "") -> list[str]:
    answer = person.get(f"/admin/orders?{query}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return Rows(answer.text).ids


def buy(shopper: Person, name: str, email: str, **items: int) -> str:
    return str(shopper.checkout(shopper.cart(**items or {"beans": 1}), email=email, name=name).json["id"])


def test_the_list_says_what_to_do_when_it_is_empty(clerk: Staff) -> None:
    assert "No orders yet" in clerk.get("/admin/orders").text
    assert "No orders found" in clerk.get("/admin/orders?q=nothing").text


def test_the_list_shows_orders_by_status_and_search(app: Flask, clerk: Staff, shopper: Person) -> None:
    ada = buy(shopper, "Ada Okafor", "ada@mail.example", honey=1)
    jonas = buy(shopper, "Jonas Meier", "jonas@mail.example", beans=1)
    cancel(app, jonas)
    assert listed(clerk) == [jonas, ada]
    assert listed(clerk, "status=placed") == [ada]
    assert listed(clerk, "status=cancelled") == [jonas]
    assert listed(clerk, "status=nonsense&before=x&after=-1") == [jonas, ada]
    for q in ("okafor", "ada@mail", "honey"):
        assert listed(clerk, f"q={q}") == [ada]


def test_pages_lead_to_older_and_back_to_newer_orders(
    clerk: Staff, shopper: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront.admin.order_pages.ORDERS_PER_PAGE", 2)
    placed = [place_order(shopper, beans=1) for _ in range(5)][::-1]

    def follow(page: str, rel: str) -> str:
        [link] = re.findall(rf'rel="{rel}" href="([^"]+)"', page)
        return clerk.client.get(link.replace("&amp;", "&")).text

    first = clerk.get("/admin/orders").text
    second = follow(first, "next")
    third = follow(second, "next")
    back = follow(third, "prev")
    assert [Rows(page).ids for page in (first, second, third, back)] == [
        placed[:2],
        placed[2:4],
        placed[4:],
        placed[2:4],
    ]
    assert Rows(follow(back, "prev")).ids == placed[:2]
    assert 'rel="next"' not in third
    assert 'rel="prev"' not in first


def test_a_viewer_sees_no_buyer_and_cannot_search_for_one(app: Flask, clerk: Staff, shopper: Person) -> None:
    viewer = signed_in(app, "north", Role.VIEWER)
    order_id = buy(shopper, "Ada Okafor", "ada@mail.example", honey=1)
    number = shopper.api("GET", f"/orders/{order_id}").json["number"]
    paths = ("/admin/orders", f"/admin/orders/{order_id}", f"/admin/orders/{order_id}/print")
    for path in paths:
        for word in ("Okafor", "ada@mail.example"):
            assert word not in viewer.get(path).text, path
        assert "Okafor" in clerk.get(path).text, path
    clerk.post(f"/admin/orders/{order_id}/notes", {"note": "Okafor rang"})
    assert "Okafor" not in viewer.get(paths[1]).text, "nor in notes"
    for q in ("okafor", "ada@mail.example"):
        assert listed(viewer, f"q={q}") == []
        assert listed(clerk, f"q={q}") == [order_id]
    for q in (number, number[:6], "honey"):
        assert listed(viewer, f"q={q}") == [order_id]
    page = viewer.get(f"/admin/orders/{order_id}").text
    assert "Mark as shipped" not in page
    assert "Mark as shipped" in clerk.get(f"/admin/orders/{order_id}").text
    assert "<form" not in page.partition('<article id="order"')[2].partition("</article>")[0]


def test_an_order_is_shipped_and_its_tracking_corrected(clerk: Staff, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    sent = clerk.post(f"/admin/orders/{order_id}/fulfil", {"carrier": "An Post", "tracking": "RR1IE"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/t/north/admin/orders/{order_id}")
    page = clerk.get(f"/admin/orders/{order_id}").text
    assert "Order shipped." in page, "the message after the form"
    assert "Shipped: An Post, RR1IE" in page
    assert "Clerk ·" in page, "by whom"
    receipt = shopper.get(f"/orders/{order_id}").text
    assert "handed it over to An Post." in receipt
    assert "received your order" not in receipt
    assert "RR1IE" in receipt
    assert clerk.post(f"/admin/orders/{order_id}/tracking", {"carrier": "DHL", "tracking": "JD2"}).status_code == 303
    assert "Tracking changed: DHL, JD2" in clerk.get(f"/admin/orders/{order_id}").text
    assert shopper.api("GET", f"/orders/{order_id}").json["delivery"]["tracking"] == "JD2"


def test_an_order_is_cancelled_with_and_without_its_stock(clerk: Staff, shopper: Person) -> None:
    back, lost = place_order(shopper, beans=2), place_order(shopper, beans=3)
    assert clerk.post(f"/admin/orders/{back}/cancel", {"restock": "true", "reason": "Moved away"}).status_code == 303
    assert clerk.post(f"/admin/orders/{lost}/cancel").status_code == 303
    assert shopper.stock("beans") == 97
    page = clerk.get(f"/admin/orders/{back}").text
    assert "Moved away" in page
    assert "Cancelled, items put back in stock" in page
    assert "Cancelled, items not put back in stock" in clerk.get(f"/admin/orders/{lost}").text
    assert "Moved away" not in shopper.get(f"/orders/{back}").text


def test_what_is_not_possible_any_more_is_refused_with_a_sentence(app: Flask, clerk: Staff, shopper: Person) -> None:
    gone, sent = place_order(shopper, beans=1), place_order(shopper, beans=1)
    cancel(app, gone)
    clerk.post(f"/admin/orders/{sent}/fulfil")
    for path, sentence in {
        f"{gone}/fulfil": "This order was cancelled and can&#39;t be shipped.",
        f"{sent}/cancel": "This order has already been shipped and can&#39;t be cancelled.",
        f"{gone}/tracking": "This order hasn&#39;t been shipped.",
    }.items():
        answer = clerk.post(f"/admin/orders/{path}")
        assert answer.status_code == 409, path
        assert sentence in answer.text
    for again in (f"{gone}/cancel", f"{sent}/fulfil"):
        assert clerk.post(f"/admin/orders/{again}").status_code == 303


def test_a_faulty_field_is_shown_again_with_its_error(clerk: Staff, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    typed = {"carrier": "An Post", "tracking": "x" * 101}
    answer = clerk.post(f"/admin/orders/{order_id}/fulfil", typed)
    assert answer.status_code == 422
    assert 'value="An Post"' in answer.text
    assert 'id="tracking_error"' in answer.text
    assert 'id="note_error"' in clerk.post(f"/admin/orders/{order_id}/notes", {"note": "  "}).text
    assert 'id="reason_error"' in clerk.post(f"/admin/orders/{order_id}/cancel", {"reason": "x" * 501}).text
    assert shopper.api("GET", f"/orders/{order_id}").json["status"] == "placed"


def test_a_note_is_in_the_timeline_and_for_the_staff_only(clerk: Staff, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    assert clerk.post(f"/admin/orders/{order_id}/notes", {"note": "Ring twice\n<b>bold</b>"}).status_code == 303
    page = clerk.get(f"/admin/orders/{order_id}").text
    assert "Ring twice\n&lt;b&gt;bold&lt;/b&gt;" in page
    assert "Ring twice" not in shopper.get(f"/orders/{order_id}").text


def test_selected_orders_are_shipped_each_by_itself(
    app: Flask, clerk: Staff, shopper: Person, stranger: Person
) -> None:
    first, second, gone = (place_order(shopper, beans=1) for _ in range(3))
    theirs = place_order(stranger, shared=1)
    cancel(app, gone)
    sent = {"order_id": [first, first, gone, theirs, "nosuch", second], "status": "placed", "q": ""}
    answer = clerk.post("/admin/orders/fulfil", sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/t/north/admin/orders?status=to_ship")
    page = clerk.get("/admin/orders").text
    assert "2 orders shipped." in page
    assert "3 orders couldn&#39;t be shipped." in page
    assert listed(clerk, "status=fulfilled") == [second, first]
    assert stranger.api("GET", f"/orders/{theirs}").json["status"] == "placed"
    button = "Mark selected as shipped"
    assert button not in page, "there is nothing to select"
    place_order(shopper, beans=1)
    assert button in clerk.get("/admin/orders").text
    clerk.post("/admin/orders/fulfil")
    assert "Select the orders to ship first." in clerk.get("/admin/orders").text


def test_all_orders_can_be_selected_only_if_one_can(app: Flask, clerk: Staff, shopper: Person) -> None:
    cancel(app, buy(shopper, "Jonas Meier", "jonas@mail.example"))
    assert "data-select-all" not in clerk.get("/admin/orders").text
    buy(shopper, "Ada Okafor", "ada@mail.example")
    assert "data-select-all" in clerk.get("/admin/orders").text
    assert "data-select-all" not in clerk.get("/admin/orders?status=cancelled").text


def test_another_shops_order_is_not_there(app: Flask, clerk: Staff, stranger: Person) -> None:
    theirs = place_order(stranger, shared=1)
    owner = signed_in(app, "south", Role.OWNER)
    assert listed(clerk) == []
    for path in (f"/admin/orders/{theirs}", f"/admin/orders/{theirs}/print", f"/admin/orders?open={theirs}"):
        assert clerk.get(path).status_code == 404
        assert owner.get(path).status_code == 200
    for act in ("fulfil", "cancel", "tracking", "notes"):
        assert clerk.post(f"/admin/orders/{theirs}/{act}", {"note": "x"}).status_code == 404
    assert owner.post(f"/admin/orders/{theirs}/notes", {"note": "x"}).status_code == 303


def test_htmx_gets_the_list_or_the_order_alone(clerk: Staff, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    rows = clerk.region("/admin/orders", "section#list")
    assert rows.text.lstrip().startswith('<section id="list"')
    assert "<html" not in rows.text
    beside = clerk.region(f"/admin/orders?open={order_id}", "section#detail")
    assert beside.text.lstrip().startswith('<section id="detail"')
    assert order_id in beside.text
    assert clerk.region(f"/admin/orders/{order_id}", "article#order").text.lstrip().startswith('<article id="order"')
    assert "HX-Target" in rows.headers["Vary"]


def test_an_open_page_learns_that_something_has_changed(clerk: Staff, shopper: Person) -> None:
    before = clerk.get("/admin/latest-event").text
    assert f'data-latest-event="{before}"' in clerk.get("/admin/orders").text
    place_order(shopper, beans=1)
    assert int(clerk.get("/admin/latest-event").text) > int(before)
