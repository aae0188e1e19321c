"""The back office's audit log."""

import pytest
from flask import Flask

from storefront.admin import audit_queries
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.events.actions import Change, record_events
from storefront.events.actors import Actor, ActorType, set_actor
from storefront.events.models import EventType
from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import place_order
from tests.staff.factories import Staff, signed_in


@pytest.fixture
def owner(app: Flask) -> Staff:
    return signed_in(app, "north", Role.OWNER)


def set_stock(owner: Staff, amount: int) -> None:
    owner.post("/admin/products/beans/stock", {"how": "set", "amount": str(amount)})


def test_it_says_who_changed_what_before_and_after(app: Flask, owner: Staff, shopper: Person) -> None:
    order = place_order(shopper, beans=1)
    owner.post(f"/admin/orders/{order}/fulfil", {"carrier": "Post", "tracking": "T1"})
    page = owner.get("/admin/audit").text
    for text in ("Order placed", "Order shipped", "Customer", "Owner", "To ship → Shipped", "Dawn Beans"):
        assert text in page, text
    assert f"/admin/orders/{order}" in owner.get(f"/admin/audit/{event_id(page)}").text


def event_id(page: str) -> str:
    return page.split('id="event_')[1].split('"', maxsplit=1)[0]


def test_filters_and_search_are_in_the_url(app: Flask, owner: Staff, shopper: Person) -> None:
    order = place_order(shopper, beans=1)
    number = shopper.api("GET", f"/orders/{order}").json["number"]
    set_stock(owner, 5)
    by_staff = owner.get("/admin/audit?actor=person").text
    assert "Stock changed" in by_staff
    assert "Order placed" not in by_staff.split('id="type_filter"')[0] + by_staff.split("</details>")[1]
    rows = owner.get(f"/admin/audit?q={number}").text.split("<tbody>")[1]
    assert "Order placed" in rows
    assert "Stock changed" not in rows
    assert "Stock changed" in owner.get("/admin/audit?q=beans").text.split("<tbody>")[1]
    assert "Order placed" not in owner.get("/admin/audit?subject=beans").text.split("<tbody>")[1]
    assert "Order placed" in owner.get("/admin/audit?type=order.placed").text.split("<tbody>")[1]
    assert "No entry matches" in owner.get("/admin/audit?q=nobodyatall").text
    assert "Stock changed" in owner.get("/admin/audit?q=owner").text.split("<tbody>")[1]


@pytest.mark.parametrize("rare", ["type=category.moved", "actor=key", "subject=beans&type=category.moved"])
def test_pages_lead_forth_and_back_also_where_a_filter_fits_few(
    app: Flask, owner: Staff, monkeypatch: pytest.MonkeyPatch, rare: str
) -> None:
    monkeypatch.setattr(audit_queries, "MAX_SCANNED", 60)
    with app.test_request_context(), tenant_context("north"):
        record_as(Actor(ActorType.KEY, "k", "the rare one"), Change(EventType.CATEGORY_MOVED, "beans"))
        record_as(Actor(ActorType.PERSON, "p", "Ada"), *[Change(EventType.PRICE_CHANGED, "beans")] * 130)
    first = owner.get("/admin/audit").text
    older = first.split('id="page_older"')[1].split('href="')[1].split('"')[0].removeprefix("/t/north")
    second = owner.get(older).text
    assert event_id(second) != event_id(first)
    newer = second.split('id="page_newer"')[1].split('href="')[1].split('"')[0].removeprefix("/t/north")
    assert event_id(owner.get(newer).text) == event_id(first)
    url, pages = f"/admin/audit?{rare}", 0
    while (
        "the rare one" not in (page := owner.get(url).text).split("list-pager")[0].split("rows-panel")[-1] and pages < 5
    ):
        assert "searched yet" in page
        url = page.split('id="page_older"')[1].split('href="')[1].split('"')[0].removeprefix("/t/north")
        url, pages = url.replace("&amp;", "&"), pages + 1
    assert 0 < pages < 5
    assert "the rare one" in owner.get(f"/admin/audit?{rare}&after=0").text.split("rows-panel")[-1]


def record_as(actor: Actor, *changes: Change) -> None:
    set_actor(actor)
    with write():
        record_events(changes)


def test_another_shops_events_are_not_found(app: Flask, owner: Staff) -> None:
    other = signed_in(app, "south", Role.OWNER)
    other.post("/admin/products/pen/stock", {"how": "set", "amount": "3"})
    assert "pen" not in owner.get("/admin/audit?subject=pen").text.split("list-empty")[-1].lower().split("filter")[0]
    id = event_id(other.get("/admin/audit").text)
    assert other.get(f"/admin/audit/{id}").status_code == 200
    for wrong in ("999999", "nobody", "9" * 40):
        assert owner.get(f"/admin/audit/{wrong}").status_code == 404
