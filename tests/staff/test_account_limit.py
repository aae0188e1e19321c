"""The limit of failed sign-ins of one account, from all addresses together."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pyotp
import pytest
from flask import Flask

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.staff.account import begin_second_factor, confirm_second_factor
from storefront.staff.members import invite
from storefront.staff.models import Person as StaffPerson
from storefront.staff.permissions import Role
from storefront.staff.second_factor import PURPOSE
from storefront.staff.secrets import decrypt
from tests.staff.factories import PASSWORD, Staff, hire, newcomer, signed_in

TRIES = 10
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
