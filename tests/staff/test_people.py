"""Inviting people, changing their role, removing them."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from storefront.staff.members import change_role, invite, remove_member
from storefront.staff.models import OneTimeLink
from storefront.staff.permissions import Role
from storefront.staff.refusals import LastOwner, OwnRole
from tests.conftest import Person
from tests.staff.factories import PASSWORD, Staff, hire, newcomer, signed_in


def invited(owner: Staff, email: str, role: Role = Role.CLERK) -> str:
    """Invite somebody, and return the path of the link below the shop's root."""
    assert owner.post("/admin/people", {"email": email, "role": role}).status_code == 303
    answer = owner.get("/admin/people")
    link = re.search(r'href="http://localhost/t/north(/admin/invitations/[\w-]{22})"', answer.text)
    assert link, answer.text
    return link[1]


def audit(app: Flask, shop: str = "north") -> list[Event]:
    with app.app_context(), tenant_context(shop):
        return list(db.session.query(Event).order_by(Event.id))


def test_somebody_joins_by_invitation(app: Flask) -> None:
    owner, guest = signed_in(app, "north", Role.OWNER), Person(app.test_client(), "north")
    link = invited(owner, "New@north.example", Role.MANAGER)
    assert "new@north.example" in guest.get(link).text
    assert guest.post(link, {"name": "", "password": "short"}).status_code == 422
    done = guest.post(link, {"name": "Nell", "password": PASSWORD})
    assert (done.status_code, done.headers["Location"]) == (303, "/t/north/admin/")
    assert "Nell" in guest.get("/admin/").text
    assert guest.get("/admin/people").status_code == 403, "a manager doesn't manage people"
    assert "Nell" in owner.get("/admin/people").text


def test_the_link_of_an_invitation_is_shown_once_and_not_stored(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    token = invited(owner, "new@north.example").rpartition("/")[2]
    again = owner.get("/admin/people").text
    assert "new@north.example" in again
    assert token not in again
    with app.app_context():
        assert token not in [link.id for link in db.session.query(OneTimeLink)]


def test_an_invitation_says_that_somebody_else_is_signed_in(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    link, said = invited(owner, "new@north.example"), f"signed in as {owner.email}. This invitation is for somebody"
    assert said in owner.get(link).text.replace("&#39;", "'")
    assert said in owner.post(link, {"name": "", "password": "short"}).text
    assert said not in Person(app.test_client(), "north").get(link).text


def test_an_invitation_works_once_in_its_shop_and_for_a_week(app: Flask) -> None:
    owner, start = signed_in(app, "north", Role.OWNER), now()
    link, guest = invited(owner, "new@north.example"), Person(app.test_client(), "north")
    assert Person(app.test_client(), "south").get(link).status_code == 404
    with time_machine.travel(start + timedelta(days=6), tick=False):
        assert guest.get(link).status_code == 200
    with time_machine.travel(start + timedelta(days=8), tick=False):
        assert guest.get(link).status_code == 404
        assert guest.post(link, {"name": "Nell", "password": PASSWORD}).status_code == 404
    assert guest.post(link, {"name": "Nell", "password": PASSWORD}).status_code == 303
    other = Person(app.test_client(), "north")
    assert other.get(link).status_code == 404
    assert other.post(link, {"name": "Nell", "password": PASSWORD}).status_code == 404


def test_an_invitation_is_used_once_by_two_at_once(app: Flask) -> None:
    link = invited(signed_in(app, "north", Role.OWNER), "new@north.example")
    guests = [Person(app.test_client(), "north") for _ in range(3)]
    sent = {"name": "Nell", "password": PASSWORD}
    with ThreadPoolExecutor(3) as pool:
        statuses = sorted(pool.map(lambda guest: guest.post(link, sent).status_code, guests))
    assert statuses[0] == 303
    assert set(statuses[1:]) <= {404, 422}, "who comes later meets a used link, or an account with another password"


def test_a_newer_invitation_replaces_an_older_one_and_it_can_be_withdrawn(app: Flask) -> None:
    owner, guest = signed_in(app, "north", Role.OWNER), Person(app.test_client(), "north")
    first, second = invited(owner, "new@north.example"), invited(owner, "new@north.example")
    assert (guest.get(first).status_code, guest.get(second).status_code) == (404, 200)
    assert "new@north.example" in owner.get("/admin/people").text
    owner.post("/admin/people/withdraw", {"email": "new@north.example"})
    assert guest.get(second).status_code == 404
    assert "new@north.example" not in owner.get("/admin/people").text


@pytest.mark.parametrize("end", ["removed", "a manager"])
def test_invitations_end_with_the_right_of_their_maker_to_invite(app: Flask, end: str) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    other = signed_in(app, "north", Role.OWNER, "other@north.example")
    elsewhere = signed_in(app, "south", Role.OWNER, "other@north.example")
    assert elsewhere.post("/admin/people", {"email": "new@south.example", "role": "clerk"}).status_code == 303
    link, kept, guest = invited(other, "a@b.example"), invited(owner, "c@d.example"), Person(app.test_client(), "north")
    assert guest.get(link).status_code == 200
    path = f"/admin/people/{other.id}"
    done = owner.post(f"{path}/remove") if end == "removed" else owner.post(f"{path}/role", {"role": "manager"})
    assert done.status_code == 303
    assert guest.get(link).status_code == 404
    assert guest.post(link, {"name": "Nell", "password": PASSWORD}).status_code == 404
    assert guest.get(kept).status_code == 200
    people = owner.get("/admin/people").text
    assert "a@b.example" not in people
    assert "c@d.example" in people
    assert "new@south.example" in elsewhere.get("/admin/people").text, "in another shop they still may"


def test_who_works_in_another_shop_joins_with_their_own_password(app: Flask) -> None:
    hire(app, "south", Role.OWNER, "ada@both.example")
    link, guest = invited(signed_in(app, "north", Role.OWNER), "ada@both.example"), Person(app.test_client(), "north")
    assert guest.post(link, {"name": "Mallory", "password": "another long password"}).status_code == 422
    assert guest.post(link, {"password": PASSWORD}).status_code == 303
    assert "Welcome, Owner." in guest.get("/admin/").text, "the account keeps its name"


@pytest.mark.parametrize(
    ("email", "role"),
    [("nonsense", "clerk"), ("", "clerk"), ("ü@b.example", "clerk"), ("a@b.example", "boss"), ("a@b.example", "")],
)
def test_a_bad_invitation_is_refused_with_a_sentence(app: Flask, email: str, role: str) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    assert owner.post("/admin/people", {"email": email, "role": role}).status_code == 422
    assert owner.post("/admin/people", {"email": owner.email, "role": "clerk"}).status_code == 422
    assert invited(owner, "a@b.example", Role.CLERK)


def test_the_invitation_stands_above_the_list_and_opens_when_it_is_refused(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    page = owner.get("/admin/people").text
    assert page.index('id="invite"') < page.index('id="list"')
    assert '<details class="more">' in page
    refused = owner.post("/admin/people", {"email": "nonsense", "role": "clerk"}).text
    assert '<details class="more" open>' in refused
    assert 'value="nonsense"' in refused


def test_a_role_is_changed_at_once(app: Flask) -> None:
    owner, clerk = signed_in(app, "north", Role.OWNER), signed_in(app, "north", Role.CLERK)
    assert clerk.get("/admin/keys").status_code == 403
    assert owner.post(f"/admin/people/{clerk.id}/role", {"role": "owner"}).status_code == 303
    assert clerk.get("/admin/keys").status_code == 200
    assert clerk.post(f"/admin/people/{owner.id}/role", {"role": "viewer"}).status_code == 303
    assert owner.get("/admin/keys").status_code == 403
    last = audit(app)[-1]
    assert (last.type, last.subject, last.before, last.after) == (
        "member.role_changed",
        owner.id,
        {"role": "owner"},
        {"role": "viewer"},
    )
    assert (last.actor_type, last.actor_id, last.actor_name) == ("person", clerk.id, "Clerk")


def test_the_last_owner_stays(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    hire(app, "north", Role.MANAGER)
    hire(app, "south", Role.OWNER)
    assert owner.post(f"/admin/people/{owner.id}/role", {"role": "manager"}).status_code == 409
    assert owner.post(f"/admin/people/{owner.id}/remove").status_code == 409
    assert owner.get("/admin/people").status_code == 200
    other = newcomer(app, "north", Role.OWNER, "other@north.example")
    assert owner.post(f"/admin/people/{owner.id}/remove").status_code == 303
    assert owner.get("/admin/people").status_code == 303
    assert other.sign_in() == 303


def test_two_owners_cannot_remove_each_other_at_once(app: Flask) -> None:
    ids = [hire(app, "north", Role.OWNER, f"{name}@north.example") for name in ("ada", "bob")]

    def remove(id: str) -> str:
        with app.app_context(), tenant_context("north"):
            try:
                remove_member(id)
            except LastOwner:
                return "refused"
        return "removed"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ids)) == ["refused", "removed"]


def test_nobody_gives_a_role_above_their_own(app: Flask) -> None:
    manager, clerk = hire(app, "north", Role.MANAGER), hire(app, "north", Role.CLERK)
    deeds: list[Callable[[], object]] = [
        lambda: change_role(manager, Role.OWNER, by=Role.MANAGER),
        lambda: change_role(clerk, Role.OWNER, by=Role.MANAGER),
        lambda: invite("new@north.example", Role.OWNER, by=Role.MANAGER),
    ]
    with app.app_context(), tenant_context("north"):
        for deed in deeds:
            with pytest.raises(OwnRole):
                deed()
        change_role(clerk, Role.MANAGER, by=Role.MANAGER)


def test_another_shops_people_are_not_found(app: Flask) -> None:
    owner, other = signed_in(app, "north", Role.OWNER), hire(app, "south", Role.CLERK)
    for what in ("role", "remove", "sign-out"):
        for id in (other, "nobody"):
            assert owner.post(f"/admin/people/{id}/{what}", {"role": "viewer"}).status_code == 404
    assert "south.example" not in owner.get("/admin/people").text


def test_what_happens_to_people_is_in_the_audit_log(app: Flask) -> None:
    owner, guest = signed_in(app, "north", Role.OWNER), Person(app.test_client(), "north")
    guest.post(invited(owner, "new@north.example"), {"name": "Nell", "password": PASSWORD})
    (nell,) = {event.subject for event in audit(app) if event.actor_name == "Nell"}
    owner.post(f"/admin/people/{nell}/sign-out")
    owner.post(f"/admin/people/{nell}/remove")
    assert [(event.type, event.actor_name) for event in audit(app)[-4:]] == [
        ("member.invited", "Owner"),
        ("member.joined", "Nell"),
        ("member.signed_out", "Owner"),
        ("member.removed", "Owner"),
    ]
    assert audit(app)[-1].before == {"email": "new@north.example", "role": "clerk"}
    assert not [event for event in audit(app, "south") if event.type.startswith("member")]
