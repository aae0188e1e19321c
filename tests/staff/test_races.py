"""What may happen once happens once, although several people do it at the same moment."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier, BrokenBarrierError
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.errors import Conflict, NotFound
from storefront.staff import members
from storefront.staff.members import change_role, invite, remove_member
from storefront.staff.models import Membership
from storefront.staff.models import Person as Account
from storefront.staff.permissions import Role
from tests.concurrency import at_once
from tests.conftest import Person
from tests.staff.factories import PASSWORD, Staff, hire, signed_in
from tests.staff.test_people import invited
from tests.staff.test_setup import run
from tests.staff.test_sign_in import turn_on

ROUNDS = 5


def meeting(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have two calls of a function of `members` wait for each other, unless a lock keeps the second one away."""
    barrier, original = Barrier(2), getattr(members, name)

    def wait_for_the_other(*given: object) -> object:
        found = original(*given)
        with suppress(BrokenBarrierError):
            barrier.wait(timeout=0.5)
        return found

    monkeypatch.setattr(members, name, wait_for_the_other)


def set_up(app: Flask, path: str, email: str) -> int:
    return app.test_client().post(path, data={"name": "Ada", "email": email, "password": PASSWORD}).status_code


def accounts(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(Account.id))) or 0


def owners(app: Flask) -> list[str]:
    with app.app_context(), tenant_context("north"):
        return list(db.session.scalars(select(Membership.person_id).where(Membership.role == Role.OWNER)))


def act(app: Flask, deed: Callable[[], object]) -> str:
    with app.app_context(), tenant_context("north"):
        try:
            deed()
        except (Conflict, NotFound):
            return "refused"
    return "done"


@pytest.mark.parametrize("links", [1, 2])
def test_the_links_to_set_up_make_one_first_person(app: Flask, monkeypatch: pytest.MonkeyPatch, links: int) -> None:
    paths = [urlsplit(run(app, "setup")[-1]).path for _ in range(links)]
    meeting(monkeypatch, "has_people")
    calls = [partial(set_up, app, paths[number % links], f"ada{number}@shops.example") for number in range(2)]
    assert sorted(at_once(calls)) == [303, 404]
    assert accounts(app) == 1


@pytest.mark.parametrize("how", ["demote", "remove", "demote and remove"])
def test_of_two_owners_one_stays(app: Flask, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    ids = [hire(app, "north", Role.OWNER, f"{name}@north.example") for name in ("ada", "bob")]
    demote, remove = [partial(change_role, id, Role.CLERK) for id in ids], [partial(remove_member, id) for id in ids]
    deeds = {"demote": demote, "remove": remove, "demote and remove": [demote[0], remove[1]]}[how]
    meeting(monkeypatch, "check_other_owner")
    assert sorted(at_once([partial(act, app, deed) for deed in deeds])) == ["done", "refused"]
    assert len(owners(app)) == 1


def test_an_owner_who_is_being_removed_does_not_count(app: Flask) -> None:
    """A manager becomes an owner, is removed, and the only other owner steps down."""
    ada, bob = hire(app, "north", Role.OWNER, "ada@north.example"), ""
    for number in range(ROUNDS):
        bob = hire(app, "north", Role.MANAGER, f"bob{number}@north.example")
        promote, remove = partial(change_role, bob, Role.OWNER), partial(remove_member, bob)
        at_once([partial(act, app, deed) for deed in (promote, remove, partial(change_role, ada, Role.CLERK))])
        (ada, *others) = owners(app)
        for other in others:
            act(app, partial(remove_member, other))


@pytest.mark.parametrize("kind", ["of the app", "to recover"])
def test_a_code_signs_in_once(app: Flask, kind: str) -> None:
    person, start = signed_in(app, "north", Role.CLERK), now()
    with time_machine.travel(start, tick=False):
        totp, codes = turn_on(app, person)
    with time_machine.travel(start + timedelta(seconds=60), tick=False):
        for number in range(ROUNDS):
            browsers = [Staff(app.test_client(), "north", person.id, person.email) for _ in range(4)]
            assert {browser.sign_in() for browser in browsers} == {303}
            with time_machine.travel(start + timedelta(seconds=120 + 60 * number), tick=False):
                code = totp.at(now()) if kind == "of the app" else codes[number]
                calls = [partial(browser.post, "/admin/sign-in/code", {"code": code}) for browser in browsers]
                assert Counter(answer.status_code for answer in at_once(calls)) == {303: 1, 422: 3}
            assert [bool(browser.cookie) for browser in browsers].count(True) == 1


def test_an_invitation_makes_one_member(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    link = invited(signed_in(app, "north", Role.OWNER), "new@north.example")
    meeting(monkeypatch, "hash_password")
    guests = [Person(app.test_client(), "north") for _ in range(2)]
    calls = [partial(guest.post, link, {"name": "Nell", "password": PASSWORD}) for guest in guests]
    assert sorted(answer.status_code for answer in at_once(calls)) == [303, 404]
    assert accounts(app) == 2


def test_invitations_of_two_shops_make_one_account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    links = []
    for shop in ("north", "south"):
        with app.app_context(), tenant_context(shop):
            links.append((shop, f"/admin/invitations/{invite('new@both.example', Role.CLERK)}"))
    meeting(monkeypatch, "hash_password")
    guests = [(Person(app.test_client(), shop), link) for shop, link in links]
    calls = [partial(guest.post, link, {"name": "Nell", "password": PASSWORD}) for guest, link in guests]
    answers = at_once(calls)
    assert sorted(answer.status_code for answer in answers) == [303, 404]
    assert accounts(app) == 1
    (later,) = [one for one, answer in zip(guests, answers, strict=True) if answer.status_code == 404]
    assert later[0].post(later[1], {"password": PASSWORD}).status_code == 303, "with the account that there is now"


def test_no_invitation_of_somebody_who_is_being_removed_stays_open(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    for number in range(ROUNDS):
        other = signed_in(app, "north", Role.OWNER, f"other{number}@north.example")
        removal = partial(owner.post, f"/admin/people/{other.id}/remove")
        guest = {"email": f"guest{number}@north.example", "role": "owner"}
        removed, _invited = at_once([removal, partial(other.post, "/admin/people", guest)])
        assert removed.status_code == 303
        assert guest["email"] not in owner.get("/admin/people").text
