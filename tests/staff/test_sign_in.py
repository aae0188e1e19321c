"""Signing in and out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.staff.models import Person as StaffPerson
from storefront.staff.models import StaffSession
from storefront.staff.permissions import Role
from storefront.staff.second_factor import PURPOSE
from storefront.staff.secrets import decrypt
from tests.conftest import Person
from tests.staff.factories import PASSWORD, Staff, hire, newcomer, signed_in

WRONG = "These details don't match an account of this shop."


def test_all_failures_look_the_same(app: Flask) -> None:
    person = newcomer(app, "north", Role.CLERK)
    hire(app, "south", Role.CLERK, "else@where.example")
    tries = {
        "a wrong password": (person.email, "a wrong password"),
        "an unknown account": ("nobody@north.example", PASSWORD),
        "another shop's account": ("else@where.example", PASSWORD),
        "no address": ("not an address", PASSWORD),
        "nothing": ("", ""),
    }
    for name, (email, password) in tries.items():
        answer = person.post("/admin/sign-in", {"email": email, "password": password})
        assert answer.status_code == 422, name
        assert WRONG.replace("'", "&#39;") in answer.text, name
        assert PASSWORD not in answer.text
        assert not person.cookie
    assert person.sign_in() == 303


def test_an_unknown_account_takes_a_hash_as_well(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person, verified = newcomer(app, "north", Role.CLERK), []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, *given: str) -> bool:
        verified.append(given)
        return verify(self, *given)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    person.post("/admin/sign-in", {"email": person.email, "password": "a wrong password"})
    person.post("/admin/sign-in", {"email": "nobody@north.example", "password": "a wrong password"})
    assert len(verified) == 2


def test_the_address_is_found_in_any_case(app: Flask) -> None:
    person = newcomer(app, "north", Role.CLERK)
    person.email = f"  {person.email.upper()} "
    assert person.sign_in() == 303


def test_the_cookie_is_the_shops_and_no_scripts(app: Flask) -> None:
    person = newcomer(app, "north", Role.CLERK)
    answer = person.post("/admin/sign-in", {"email": person.email, "password": PASSWORD}, base_url="https://localhost")
    (cookie,) = [value for value in answer.headers.getlist("Set-Cookie") if value.startswith("staff=")]
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/t/north/admin"):
        assert part in cookie
    assert "Domain" not in cookie


def test_signing_in_renews_the_session(app: Flask) -> None:
    person = signed_in(app, "north", Role.CLERK)
    first = person.cookie
    assert person.sign_in() == 303
    assert person.cookie != first
    thief = Person(app.test_client(), "north")
    thief.client.set_cookie("staff", first, path="/t/north/admin")
    assert thief.get("/admin/").status_code == 303
    assert person.get("/admin/").status_code == 200


def test_the_database_holds_no_token(app: Flask) -> None:
    person = signed_in(app, "north", Role.CLERK)
    with app.app_context(), tenant_context("north"):
        (row,) = db.session.scalars(select(StaffSession))
        assert len(row.id) == 64
        assert person.cookie not in (row.id, row.browser)
        assert row.address == "127.0.0.1"


def test_a_session_is_noted_as_used_once_a_minute(app: Flask) -> None:
    def seen() -> list[object]:
        with app.app_context(), tenant_context("north"):
            return list(db.session.scalars(select(StaffSession.last_seen_at)))

    start = now()
    with time_machine.travel(start, tick=False):
        person = signed_in(app, "north", Role.CLERK)
        first = seen()
    with time_machine.travel(start + timedelta(seconds=59), tick=False):
        person.get("/admin/")
        assert seen() == first
    with time_machine.travel(start + timedelta(seconds=60), tick=False):
        person.get("/admin/")
        assert seen() == [first[0] + timedelta(seconds=60)]  # type: ignore[operator]


def test_only_who_is_signed_in_signs_out(app: Flask) -> None:
    person, stranger = signed_in(app, "north", Role.VIEWER), Person(app.test_client(), "north")
    assert stranger.post("/admin/sign-out").status_code == 401
    assert person.get("/admin/").status_code == 200
    done = person.post("/admin/sign-out")
    assert (done.status_code, done.headers["Location"]) == (303, "/t/north/admin/sign-in")
    assert not person.cookie
    assert person.post("/admin/sign-out").status_code == 401


# --- the second factor ------------------------------------------------------------------------------------------------


def turn_on(app: Flask, person: Staff) -> tuple[pyotp.TOTP, list[str]]:
    """Set the second factor up, and return the person's app and recovery codes."""
    page = person.get("/admin/account/second-factor")
    assert page.status_code == 200
    assert "<svg" in page.text
    with app.app_context():
        row = db.session.get_one(StaffPerson, person.id)
        totp = pyotp.TOTP(decrypt(PURPOSE, str(row.totp_secret)))
        assert totp.secret not in str(row.totp_secret)
    answer = person.post("/admin/account/second-factor", {"code": totp.at(now())})
    assert answer.status_code == 200
    codes = [part.partition("</code>")[0] for part in answer.text.split("<code>")[1:]]
    assert len(codes) == 10
    return totp, codes


def test_with_a_second_factor_the_password_is_not_enough(app: Flask) -> None:
    person, start = signed_in(app, "north", Role.CLERK), now()
    with time_machine.travel(start, tick=False):
        assert person.get("/admin/account/second-factor").status_code == 200
        assert person.post("/admin/account/second-factor", {"code": "000000"}).status_code == 422
        totp, _codes = turn_on(app, person)
    other = Staff(app.test_client(), "north", person.id, person.email)
    with time_machine.travel(start + timedelta(seconds=60), tick=False):
        sent = other.post("/admin/sign-in", {"email": person.email, "password": PASSWORD, "next": "/admin/account"})
        assert sent.headers["Location"] == "/t/north/admin/sign-in/code?next=/admin/account"
        assert not other.cookie
        assert other.get("/admin/").status_code == 303
        assert other.get("/admin/sign-in/code").status_code == 200
        assert other.post("/admin/sign-in/code", {"code": "000000"}).status_code == 422
        code = totp.at(now())
        done = other.post("/admin/sign-in/code", {"code": f" {code[:3]} {code[3:]}", "next": "/admin/account"})
        assert done.headers["Location"] == "/t/north/admin/account"
        assert other.get("/admin/").status_code == 200
        third = Staff(app.test_client(), "north", person.id, person.email)
        third.sign_in()
        assert third.post("/admin/sign-in/code", {"code": code}).status_code == 422, "a code is valid once"


def test_nobody_reaches_the_code_without_the_password(app: Flask) -> None:
    person, start = signed_in(app, "north", Role.CLERK), now()
    with time_machine.travel(start, tick=False):
        totp, _codes = turn_on(app, person)
    other = Staff(app.test_client(), "north", person.id, person.email)
    with time_machine.travel(start + timedelta(seconds=60), tick=False):
        assert other.get("/admin/sign-in/code").status_code == 303
        assert other.post("/admin/sign-in/code", {"code": totp.at(now())}).status_code == 303
        other.sign_in()
    with time_machine.travel(start + timedelta(minutes=7), tick=False):
        assert other.post("/admin/sign-in/code", {"code": totp.at(now())}).status_code == 303
        assert not other.cookie


def test_a_recovery_code_is_good_once(app: Flask) -> None:
    person = signed_in(app, "north", Role.CLERK)
    _totp, codes = turn_on(app, person)
    for status in (303, 422):
        other = Staff(app.test_client(), "north", person.id, person.email)
        other.sign_in()
        assert other.post("/admin/sign-in/code", {"code": codes[0].upper()}).status_code == status
    assert bool(other.cookie) is False


def test_two_requests_at_once_use_a_code_once(app: Flask) -> None:
    person = signed_in(app, "north", Role.CLERK)
    _totp, codes = turn_on(app, person)
    others = [Staff(app.test_client(), "north", person.id, person.email) for _ in range(4)]
    for other in others:
        other.sign_in()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one.post("/admin/sign-in/code", {"code": codes[1]}).status_code, others))
    assert sorted(answers) == [303, 422, 422, 422]


def test_an_owner_can_require_a_second_factor(app: Flask) -> None:
    owner, clerk = signed_in(app, "north", Role.OWNER), signed_in(app, "north", Role.CLERK)
    elsewhere = signed_in(app, "south", Role.CLERK)
    turn_on(app, owner)
    assert owner.post("/admin/people/second-factor", {"required": "yes"}).status_code == 303
    assert clerk.get("/admin/").headers["Location"] == "/t/north/admin/account/second-factor"
    assert elsewhere.get("/admin/").status_code == 200
    assert owner.get("/admin/").status_code == 200
    turn_on(app, clerk)
    assert clerk.get("/admin/").status_code == 200
    assert clerk.post("/admin/account/second-factor/remove").status_code == 303
    assert clerk.get("/admin/").status_code == 303
    owner.post("/admin/people/second-factor", {"required": "no"})
    assert clerk.get("/admin/").status_code == 200


# --- one's own sessions and password ----------------------------------------------------------------------------------


def test_one_ends_ones_own_sessions_and_nobody_elses(app: Flask) -> None:
    here, other = signed_in(app, "north", Role.CLERK), signed_in(app, "north", Role.VIEWER)
    there = Staff(app.test_client(), "north", here.id, here.email)
    there.sign_in()

    def sessions() -> dict[str, list[str]]:
        with app.app_context(), tenant_context("north"):
            found: dict[str, list[str]] = {}
            for row in db.session.scalars(select(StaffSession).order_by(StaffSession.created_at)):
                found.setdefault(row.person_id, []).append(row.id)
            return found

    all_sessions = sessions()
    here.post(f"/admin/account/sessions/{all_sessions[other.id][0]}/end")
    assert other.get("/admin/").status_code == 200
    here.post(f"/admin/account/sessions/{all_sessions[here.id][1]}/end")
    assert there.get("/admin/").status_code == 303
    assert here.get("/admin/").status_code == 200
    there.sign_in()
    here.post("/admin/account/sessions/end-others")
    assert (here.get("/admin/").status_code, there.get("/admin/").status_code) == (200, 303)


def test_a_new_password_ends_the_sessions_in_every_shop(app: Flask) -> None:
    person = signed_in(app, "north", Role.CLERK, "ada@both.example")
    south = signed_in(app, "south", Role.CLERK, "ada@both.example")
    wrong = {"current_password": "a wrong password", "password": "another long password"}
    assert person.post("/admin/account/password", wrong).status_code == 422
    assert (
        person.post("/admin/account/password", wrong | {"current_password": PASSWORD, "password": "short"}).status_code
        == 422
    )
    assert south.get("/admin/").status_code == 200
    assert person.post("/admin/account/password", wrong | {"current_password": PASSWORD}).status_code == 303
    assert (person.get("/admin/").status_code, south.get("/admin/").status_code) == (200, 303)
    assert south.sign_in() == 422
    assert south.sign_in("another long password") == 303
