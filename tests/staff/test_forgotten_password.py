"""Choosing a new password by a mailed link, and invitations by mail."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.mail.fakes import RecordingTransport
from tests.mail.outbox import deliver, mails
from tests.staff.factories import PASSWORD, newcomer, signed_in

MAIL = {
    "MAIL_URL": "smtp://localhost:2525",
    "MAIL_FROM": "team@shops.example",
    "PUBLIC_URL": "http://localhost",
}
PAGE = "/admin/forgot-password"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(**MAIL)


def sent_text(app: Flask) -> str:
    transport = RecordingTransport()
    deliver(app, transport)
    [mail] = transport.sent
    return mail.text


def test_a_new_password_is_chosen_by_the_mailed_link(app: Flask) -> None:
    clerk = newcomer(app, "north", Role.CLERK)
    visitor = Person(app.test_client(), "north")
    assert PAGE in visitor.get("/admin/sign-in").text
    assert visitor.get(PAGE).status_code == 200
    assert visitor.post(PAGE, {"email": clerk.email.upper()}).status_code == 200
    [link] = re.findall(r"http://localhost(/t/north/admin/password/\S+)", sent_text(app))
    chosen = visitor.client.post(link, data={"password": "another long password"})
    assert chosen.status_code == 303
    assert visitor.client.post(link, data={"password": "a third long password"}).status_code == 404
    assert clerk.sign_in() == 422
    assert clerk.sign_in("another long password") == 303


def test_the_answer_is_the_same_for_known_and_unknown_addresses(app: Flask) -> None:
    clerk, elsewhere = newcomer(app, "north", Role.CLERK), newcomer(app, "south", Role.CLERK)
    visitor = Person(app.test_client(), "north")
    answers = [
        visitor.post(PAGE, {"email": email})
        for email in (clerk.email, elsewhere.email, "nobody@mail.example", "no address", "")
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert [mail.recipient for mail in mails(app)] == [clerk.email]
    assert mails(app, "south") == []


def test_the_mail_is_in_the_persons_language_and_asking_again_ends_the_first_link(app: Flask) -> None:
    clerk = newcomer(app, "north", Role.CLERK)
    visitor = Person(app.test_client(), "north")
    links = []
    for _time in range(2):
        visitor.post(PAGE, {"email": clerk.email})
        links += re.findall(r"http://localhost(/t/north/admin/password/\S+)", sent_text(app))
    assert [visitor.client.get(link).status_code for link in links] == [404, 200]


def test_requests_are_limited_for_known_and_unknown_addresses_alike(make_app: Callable[..., Flask]) -> None:
    app = make_app(**MAIL, RATELIMIT_ENABLED="true")
    clerk = newcomer(app, "north", Role.CLERK)
    visitor = Person(app.test_client(), "north")
    for email in (clerk.email, "nobody@mail.example"):
        statuses = [visitor.post(PAGE, {"email": email}).status_code for _time in range(4)]
        assert statuses == [200, 200, 200, 429], email
    assert len(mails(app)) == 3


@pytest.mark.parametrize(
    ("environment", "host"),
    [({}, "localhost"), ({"MAIL_URL": MAIL["MAIL_URL"], "MAIL_FROM": MAIL["MAIL_FROM"]}, "evil.example")],
)
def test_without_mail_or_an_own_address_the_page_is_not_there(
    make_app: Callable[..., Flask], environment: dict[str, str], host: str
) -> None:
    app = make_app(**environment)
    clerk = newcomer(app, "north", Role.CLERK)
    visitor, headers = Person(app.test_client(), "north"), {"Host": host}
    assert PAGE not in visitor.get("/admin/sign-in", headers=headers).text
    assert visitor.get(PAGE, headers=headers).status_code == 404
    assert visitor.post(PAGE, {"email": clerk.email}, headers=headers).status_code == 404
    assert mails(app) == []


def test_an_invitation_is_mailed_as_well_as_shown(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    page = owner.post("/admin/people", {"email": "new@mail.example", "role": "clerk"}, follow_redirects=True).text
    assert "emailed this link to new@mail.example" in page
    [shown] = re.findall(r'class="shown-once" href="([^"]+)"', page)
    text = sent_text(app)
    assert shown in text
    assert "Owner invites you to help run North" in text
    [mail] = mails(app)
    assert (mail.kind, mail.recipient, mail.data.get("sealed_link")) == ("invitation", "new@mail.example", None)
    guest = app.test_client()
    accepted = guest.post(shown.removeprefix("http://localhost"), data={"name": "New", "password": PASSWORD})
    assert accepted.status_code == 303


def test_without_mail_an_invitation_says_to_send_the_link(make_app: Callable[..., Flask]) -> None:
    owner = signed_in(make_app(), "north", Role.OWNER)
    page = owner.post("/admin/people", {"email": "new@mail.example", "role": "clerk"}, follow_redirects=True).text
    assert "Send this link to" in page
