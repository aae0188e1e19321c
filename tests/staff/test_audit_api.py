"""The audit trail by the API."""

from flask import Flask

from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.staff.factories import api_key, bearer, signed_in


def test_events_come_in_order_with_who_made_them(app: Flask, shopper: Person, stranger: Person) -> None:
    key, elsewhere = api_key(app, "north", "audit:read"), api_key(app, "south", "audit:read")
    owner, clerk = signed_in(app, "north", Role.OWNER), signed_in(app, "north", Role.CLERK)
    assert shopper.checkout(shopper.cart(beans=1)).status_code == 201
    owner.post(f"/admin/people/{clerk.id}/role", {"role": "viewer"})
    items = shopper.api("GET", "/events?limit=100", headers=bearer(key)).json["items"]
    assert [item["id"] for item in items] == list(range(1, len(items) + 1))
    last, ordered = items[-1], next(item for item in items if item["type"] == "order.placed")
    assert last["actor"] == {"type": "person", "id": owner.id, "name": "Owner"}
    assert (last["before"], last["after"]) == ({"role": "clerk"}, {"role": "viewer"})
    assert ordered["actor"] == {"type": "shopper", "id": None, "name": None}
    after = shopper.api("GET", f"/events?after={items[1]['id']}&limit=2", headers=bearer(key)).json["items"]
    assert after == items[2:4]
    others = stranger.api("GET", "/events?limit=100", headers=bearer(elsewhere)).json["items"]
    assert not {item["subject"] for item in others} & {item["subject"] for item in items}
    for query in ("?after=-1", "?after=x", "?limit=0", "?limit=101"):
        assert shopper.api("GET", f"/events{query}", headers=bearer(key)).status_code == 422
