"""API keys on their page."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from storefront.staff.models import ApiKey
from storefront.staff.permissions import SCOPES, Role
from storefront.staff.scope_words import scope_descriptions
from tests.staff.factories import Staff, api_key, bearer, signed_in

KEY = re.compile(r"sf_[A-Za-z0-9]{40}")
FORM_ID = re.compile(r'name="form_id" value="([\w-]{22})"')


def form(owner: Staff, **values: object) -> dict[str, object]:
    form_id = FORM_ID.search(owner.get("/admin/keys").text)
    assert form_id
    return {
        "form_id": form_id[1],
        "name": "Warehouse",
        "scope": ["upsell:read", "orders:read"],
        "expires": "",
        **values,
    }


def rows(app: Flask) -> list[ApiKey]:
    with app.app_context(), tenant_context("north"):
        return list(db.session.scalars(select(ApiKey)))


def test_each_scope_is_described(app: Flask) -> None:
    with app.test_request_context():
        assert set(scope_descriptions()) == SCOPES


def test_a_key_is_shown_once_and_stored_as_a_digest(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    answer = owner.post("/admin/keys", form(owner))
    (key,) = KEY.findall(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert not KEY.search(owner.get("/admin/keys").text)
    (row,) = rows(app)
    assert (row.prefix, row.scopes, row.created_by) == (key[:11], ["orders:read", "upsell:read"], "Owner")
    assert key not in repr(vars(row))
    assert owner.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 200


def test_the_same_form_makes_one_key(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    sent = form(owner)
    assert owner.post("/admin/keys", sent).status_code == 200
    assert owner.post("/admin/keys", sent).status_code == 303
    assert len(rows(app)) == 1
    assert owner.post("/admin/keys", form(owner)).status_code == 200
    assert len(rows(app)) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "x" * 101}, {"scope": []}, {"scope": ["account"]}, {"expires": "0"}, {"expires": "soon"}],
)
def test_a_faulty_form_makes_none(app: Flask, wrong: dict[str, object]) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    assert owner.post("/admin/keys", form(owner, **wrong)).status_code == 422
    assert rows(app) == []
    assert owner.post("/admin/keys", form(owner)).status_code == 200


def test_a_revoked_key_is_over_and_says_by_whom(app: Flask) -> None:
    owner, key = signed_in(app, "north", Role.OWNER), api_key(app, "north", "upsell:read")
    assert owner.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 200
    (row,) = rows(app)
    for _ in range(2):
        assert owner.post(f"/admin/keys/{row.id}/revoke").status_code == 303
    assert owner.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 401
    assert "by Owner" in owner.get("/admin/keys").text
    with app.app_context(), tenant_context("north"):
        last = db.session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()
        assert (last.type, last.subject, last.actor_name) == ("key.revoked", row.id, "Owner")
    assert owner.post("/admin/keys/nosuch/revoke").status_code == 404


def test_another_shops_key_cannot_be_revoked(app: Flask) -> None:
    other, key = signed_in(app, "south", Role.OWNER), api_key(app, "north", "upsell:read")
    assert other.post(f"/admin/keys/{rows(app)[0].id}/revoke").status_code == 404
    assert other.client.get("/t/north/api/v1/upsell/calls", headers=bearer(key)).status_code == 200


def test_the_last_use_is_noted_once_a_minute(app: Flask) -> None:
    owner, start = signed_in(app, "north", Role.OWNER), now()
    key = api_key(app, "north", "upsell:read")
    for seconds, noted in ((0, 0), (30, 0), (61, 61)):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert owner.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 200
        assert rows(app)[0].last_used_at == start + timedelta(seconds=noted)


def test_a_key_outlives_the_membership_of_who_made_it_and_its_page_says_so(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    other = signed_in(app, "north", Role.OWNER, "other@north.example")
    (key,) = KEY.findall(other.post("/admin/keys", form(other)).text)
    assert "no longer in this shop" not in owner.get("/admin/keys").text
    owner.post(f"/admin/people/{other.id}/remove")
    assert "1 API key that they created still works." in owner.get("/admin/people").text
    assert owner.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 200
    page = owner.get("/admin/keys").text
    assert "Created by Owner" in page
    assert "no longer in this shop" in page
    (row,) = rows(app)
    owner.post(f"/admin/keys/{row.id}/revoke")
    assert owner.api("GET", "/upsell/calls", headers=bearer(key)).status_code == 401


def test_of_keys_that_ended_nothing_is_said_when_their_maker_is_removed(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    other = signed_in(app, "north", Role.OWNER, "other@north.example")
    other.post("/admin/keys", form(other))
    (row,) = rows(app)
    owner.post(f"/admin/keys/{row.id}/revoke")
    owner.post(f"/admin/people/{other.id}/remove")
    assert "still work" not in owner.get("/admin/people").text
