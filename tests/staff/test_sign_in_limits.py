"""Limits of failed sign-ins: of one account from all addresses together, and for all processes together."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.retention.actions import round_of
from storefront.staff.account import begin_second_factor, confirm_second_factor, create_password_link
from storefront.staff.members import invite
from storefront.staff.models import FailedSignIns
from storefront.staff.models import Person as StaffPerson
from storefront.staff.permissions import Role
from storefront.staff.second_factor import PURPOSE
from storefront.staff.secrets import decrypt
from tests.concurrency import at_once
from tests.conftest import Person
from tests.staff.factories import PASSWORD, Staff, hire, newcomer, signed_in

TRIES = 10
MakeApp = Callable[..., Flask]
Send = Callable[[str, dict[str, str]], int]


@pytest.fixture
def limited(make_app: Callable[..., Flask]) -> Flask:
    return make_app(RATELIMIT_ENABLED="true")


@pytest.fixture
def send() -> Callable[[Staff], Send]:
    """Send forms of a person, each from another address and with the email address of somebody else beside."""
    numbers = count(1)

    def of(person: Staff) -> Send:
        def post(path: str, form: dict[str, str]) -> int:
            number = next(numbers)
            named: dict[str, Any] = {"email": f"n{number}@north.example", **form}
            address = {"REMOTE_ADDR": f"192.0.2.{number}"}
            return person.post(path, named, environ_base=address).status_code

        return post

    return of


def test_passwords_at_the_sign_in_are_limited(limited: Flask, send: Callable[[Staff], Send]) -> None:
    clerk = newcomer(limited, "north", Role.CLERK)
    form = {"email": clerk.email, "password": "a wrong password"}
    assert [send(clerk)("/admin/sign-in", form) for _ in range(TRIES + 1)] == [422] * TRIES + [429]


def test_codes_are_limited_whatever_account_the_form_names(limited: Flask, send: Callable[[Staff], Send]) -> None:
    clerk = newcomer(limited, "north", Role.CLERK)
    with limited.test_request_context("/t/north/"), tenant_context("north"):
        secret = begin_second_factor(db.session.get_one(StaffPerson, clerk.id))
        code = pyotp.TOTP(decrypt(PURPOSE, secret)).now()
        confirm_second_factor(db.session.get_one(StaffPerson, clerk.id), code)
    assert clerk.sign_in() == 303
    assert [send(clerk)("/admin/sign-in/code", {"code": "x"}) for _ in range(TRIES + 1)] == [422] * TRIES + [429]
    assert send(clerk)("/admin/sign-in", {"email": clerk.email, "password": PASSWORD}) == 429, "it is one account"


@pytest.mark.parametrize("path", ["/admin/confirm", "/admin/account/password"])
def test_who_finds_a_session_cannot_guess_its_password(
    limited: Flask, send: Callable[[Staff], Send], path: str
) -> None:
    clerk = signed_in(limited, "north", Role.CLERK)
    wrong = {"password": "another long password", "current_password": "a wrong password"}
    assert [send(clerk)(path, wrong) for _ in range(TRIES + 1)] == [422] * TRIES + [429]
    assert signed_in(limited, "north", Role.VIEWER).post(path, wrong).status_code == 422, "others are free to err"


def test_who_invites_an_account_cannot_guess_its_password(limited: Flask, send: Callable[[Staff], Send]) -> None:
    hire(limited, "south", Role.OWNER, "victim@south.example")
    with limited.test_request_context("/t/north/"), tenant_context("north"):
        token = invite("victim@south.example", Role.VIEWER)
    guesser = newcomer(limited, "north", Role.CLERK)
    form = {"password": "a wrong password"}
    answers = [send(guesser)(f"/admin/invitations/{token}", form) for _ in range(TRIES + 1)]
    assert answers == [422] * TRIES + [429]


# --- for all processes together ---------------------------------------------------------------------------------------


def guess(app: Flask, number: int, address: str, email: str = "clerk@north.example") -> TestResponse:
    form = {"email": email.format(number), "password": "a wrong password"}
    return Person(app.test_client(), "north").post("/admin/sign-in", form, environ_base={"REMOTE_ADDR": address})


def test_processes_count_failures_of_an_account_together(make_app: MakeApp) -> None:
    first, second = (make_app(RATELIMIT_ENABLED="true") for _ in range(2))
    clerk = newcomer(first, "north", Role.CLERK)
    answers = [guess((first, second)[i % 2], i, f"192.0.2.{i}").status_code for i in range(TRIES + 4)]
    assert answers == [422] * TRIES + [429] * 4
    right = {"email": clerk.email, "password": PASSWORD}
    restarted = make_app(RATELIMIT_ENABLED="true")
    refused = Person(restarted.test_client(), "north").post("/admin/sign-in", right)
    assert refused.status_code == 429
    assert 14 * 60 < int(refused.headers["Retry-After"]) <= 15 * 60
    with time_machine.travel(now() + timedelta(minutes=15), tick=False):
        assert Person(restarted.test_client(), "north").post("/admin/sign-in", right).status_code == 303
        assert guess(first, 1, "192.0.2.1").status_code == 422, "a new window begins"


def test_processes_count_failures_of_an_ipv6_network_together(make_app: MakeApp) -> None:
    apps = [make_app(RATELIMIT_ENABLED="true") for _ in range(2)]
    email = "nobody-{}@north.example"
    answers = [guess(apps[i % 2], i, f"2001:db8:1:2::{i:x}", email).status_code for i in range(22)]
    assert answers == [422] * 20 + [429] * 2
    assert guess(apps[0], 30, "2001:db8:1:3::1", email).status_code == 422, "another network was limited too"


def test_failures_at_the_same_time_are_all_counted(make_app: MakeApp) -> None:
    apps = [make_app(RATELIMIT_ENABLED="true") for _ in range(2)]
    newcomer(apps[0], "north", Role.CLERK)
    answers = at_once([partial(guess, apps[i % 2], i, f"192.0.2.{i}") for i in range(TRIES + 6)])
    assert Counter(answer.status_code for answer in answers) == {422: TRIES, 429: 6}


def test_a_day_has_a_limit_of_its_own(make_app: MakeApp) -> None:
    app, start = make_app(RATELIMIT_ENABLED="true"), now()
    newcomer(app, "north", Role.CLERK)
    for quarter in range(5):
        with time_machine.travel(start + timedelta(minutes=15 * quarter), tick=False):
            assert {guess(app, i, f"192.0.{quarter}.{i}").status_code for i in range(TRIES)} == {422}
    with time_machine.travel(start + timedelta(hours=23), tick=False):
        refused = guess(app, 1, "192.0.2.1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    with time_machine.travel(start + timedelta(hours=24), tick=False):
        assert guess(app, 1, "192.0.2.1").status_code == 422


def test_who_resets_the_password_by_a_link_needs_not_wait(limited: Flask, send: Callable[[Staff], Send]) -> None:
    clerk, address = newcomer(limited, "north", Role.CLERK), {"REMOTE_ADDR": "192.0.2.200"}
    form = {"email": clerk.email, "password": "a wrong password"}
    assert [send(clerk)("/admin/sign-in", form) for _ in range(TRIES + 1)][-1] == 429
    clerk.post("/admin/sign-in", {**form, "email": "somebody@north.example"}, environ_base=address)
    before = stored_rows(limited)
    with limited.app_context(), tenant_context("north"):
        token = create_password_link(db.session.get_one(StaffPerson, clerk.id))
    refused = clerk.post(f"/admin/password/{token}", {"password": "short"}, environ_base=address)
    assert (refused.status_code, stored_rows(limited)) == (422, before)
    assert clerk.sign_in() == 429
    assert clerk.post(f"/admin/password/{token}", {"password": "another long password"}).status_code == 303
    assert stored_rows(limited) == before - 2, "those of the account are gone, those of the addresses are not"
    assert clerk.sign_in("another long password") == 303


def test_successes_are_not_counted(make_app: MakeApp) -> None:
    clerk = newcomer(make_app(RATELIMIT_ENABLED="true"), "north", Role.CLERK)
    assert [clerk.sign_in() for _ in range(TRIES * 3)] == [303] * (TRIES * 3)


def test_without_rate_limits_nothing_is_counted(make_app: MakeApp) -> None:
    app = make_app(RATELIMIT_ENABLED="false")
    assert {guess(app, i, "192.0.2.1").status_code for i in range(TRIES * 3)} == {422}
    assert stored_rows(app) == 0


def test_counts_hold_no_address_and_are_removed_when_their_window_is_over(make_app: MakeApp) -> None:
    app, start = make_app(RATELIMIT_ENABLED="true"), now()
    with time_machine.travel(start, tick=False):
        guess(app, 1, "192.0.2.1")
    assert stored_rows(app) == 4, "two windows of the account and two of the address"
    with app.app_context():
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in db.session.scalars(select(FailedSignIns.key)))
    for later, left in ((timedelta(minutes=4), 4), (timedelta(minutes=61), 1), (timedelta(hours=24), 0)):
        with time_machine.travel(start + later, tick=False):
            list(round_of(app, ()))
        assert stored_rows(app) == left


def stored_rows(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(select(func.count()).select_from(FailedSignIns)).one()
