"""A real SMTP server, and the providers' APIs on this machine."""

import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from storefront.db.base import db
from storefront.db.transactions import write
from storefront.mail.failures import MailFailure
from storefront.mail.http_transports import HttpTransport
from storefront.mail.messages import OutgoingMail
from storefront.mail.transports import Transport, make_transport
from storefront.mail_settings import parse_mail_url
from storefront.state import state_of
from storefront.tenants.models import Tenant
from tests.conftest import Person
from tests.factories import place_order
from tests.mail.fakes import USER, Api, Inbox, api_server, smtp_server
from tests.mail.outbox import change_mails, deliver, mails

TOKEN = "token-0123456789"
MAIL = OutgoingMail(
    key="north-1",
    sender="orders@shops.example",
    sender_name="Nörth, & Söns",
    recipient="ada@example.com",
    subject="Your order ✓",
    text="Text with ä",
    html="<p>HTML with ä</p>",
    message_id="<1.north@shops.example>",
    headers={"Auto-Submitted": "auto-generated"},
    reply_to="hello@shop.example",
)


def transport(url: str) -> Transport:
    return make_transport(parse_mail_url(url))


def failure_of(sender: Transport, mail: OutgoingMail = MAIL) -> MailFailure:
    with pytest.raises(MailFailure) as raised:
        sender.send(mail)
    return raised.value


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    with smtp_server(tmp_path) as found:
        monkeypatch.setenv("SSL_CERT_FILE", found.certificate)
        yield found


def smtp_url(inbox: Inbox, password: str = "pass%40word%2F1") -> str:
    return f"smtp://{USER}:{password}@localhost:{inbox.port}"


def test_smtp_uses_tls_and_the_password(inbox: Inbox) -> None:
    assert transport(smtp_url(inbox)).send(MAIL) is None
    [message] = inbox.messages
    assert inbox.was_encrypted == [True]
    assert inbox.recipients == ["ada@example.com"]
    assert (message["Subject"], message["Message-ID"]) == ("Your order ✓", "<1.north@shops.example>")
    assert message["From"].addresses[0].display_name == "Nörth, & Söns"
    assert (message["Auto-Submitted"], message["Reply-To"]) == ("auto-generated", "hello@shop.example")
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().strip() == "Text with ä"
    assert "HTML with ä" in html.get_content()


def test_smtp_with_a_wrong_password_is_tried_again_after_it_was_corrected(inbox: Inbox) -> None:
    failure = failure_of(transport(smtp_url(inbox, "wrong")))
    assert (failure.code, failure.is_final, failure.stops_others) == ("smtp_535", False, True)
    assert inbox.messages == []


def test_smtp_with_a_certificate_that_is_not_trusted_sends_nothing(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert failure_of(transport(smtp_url(inbox))).code == "no_connection"
    assert inbox.messages == []


def test_smtp_without_starttls_gets_no_password(tmp_path: Path) -> None:
    with smtp_server(tmp_path, is_open=True) as inbox:
        assert failure_of(transport(smtp_url(inbox))).code == "smtp_not_supported"
        assert inbox.messages == []


def test_smtp_to_a_relay_of_this_machine_needs_neither(tmp_path: Path) -> None:
    with smtp_server(tmp_path, is_open=True) as inbox:
        transport(f"smtp://localhost:{inbox.port}").send(MAIL)
        assert len(inbox.messages) == 1


@pytest.mark.parametrize(("said", "is_final"), [("550 No such user", True), ("450 Busy", False)])
def test_smtp_refusals_of_a_recipient(inbox: Inbox, said: str, is_final: bool) -> None:
    inbox.refuse_recipient = said
    failure = failure_of(transport(smtp_url(inbox)))
    assert (failure.code, failure.is_final, failure.stops_others) == (f"smtp_{said[:3]}", is_final, False)


@pytest.mark.parametrize(("said", "is_final"), [("554 Spam", True), ("451 Later", False)])
def test_smtp_refusals_of_the_content(inbox: Inbox, said: str, is_final: bool) -> None:
    inbox.answer = said
    failure = failure_of(transport(smtp_url(inbox)))
    assert (failure.code, failure.is_final) == (f"smtp_{said[:3]}", is_final)


def test_smtp_server_that_is_down(tmp_path: Path) -> None:
    failure = failure_of(transport("smtp://localhost:1"))
    assert (failure.code, failure.is_final, failure.stops_others) == ("no_connection", False, True)


# --- the providers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        yield found


@pytest.fixture
def resend_api() -> Iterator[Api]:
    with api_server(is_idempotent=True) as found:
        yield found


def url_of(service: str, api: Api) -> str:
    return f"{service}://{TOKEN}@127.0.0.1:{api.port}"


def test_postmark_gets_the_mail(api: Api) -> None:
    assert transport(url_of("postmark", api)).send(MAIL) == "made-1"
    [call] = api.calls
    assert (call.path, call.headers["x-postmark-server-token"]) == ("/email", TOKEN)
    assert (call.body["To"], call.body["Subject"]) == ("ada@example.com", "Your order ✓")
    assert call.body["From"] == '"Nörth, & Söns" <orders@shops.example>'
    assert {"Name": "Message-ID", "Value": MAIL.message_id} in call.body["Headers"]
    assert call.body["ReplyTo"] == "hello@shop.example"


def test_resend_gets_the_mail_with_its_key(resend_api: Api) -> None:
    assert transport(url_of("resend", resend_api)).send(MAIL) == "made-1"
    [call] = resend_api.calls
    assert (call.path, call.headers["authorization"]) == ("/emails", f"Bearer {TOKEN}")
    assert (call.body["to"], call.headers["idempotency-key"]) == (["ada@example.com"], "north-1")
    assert call.body["reply_to"] == "hello@shop.example"


@pytest.mark.parametrize("service", ["postmark", "resend"])
@pytest.mark.parametrize(
    ("status", "is_final", "stops_others"),
    [(500, False, True), (503, False, True), (429, False, True), (401, False, True), (422, True, False)],
)
def test_errors_of_a_provider(api: Api, service: str, status: int, is_final: bool, stops_others: bool) -> None:
    api.answers = [status]
    failure = failure_of(transport(url_of(service, api)))
    assert (failure.code, failure.is_final, failure.stops_others) == (f"http_{status}", is_final, stops_others)
    assert str(status) in failure.text


@pytest.mark.parametrize("service", ["postmark", "resend"])
def test_a_provider_that_does_not_answer(api: Api, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.mail.http_transports.TIMEOUT_SECONDS", 0.5)
    api.answers = [0]
    failure = failure_of(transport(url_of(service, api)))
    assert (failure.code, failure.is_final, failure.stops_others) == ("timeout", False, True)


@pytest.mark.parametrize("service", ["postmark", "resend"])
def test_a_provider_that_is_down(service: str) -> None:
    assert failure_of(transport(f"{service}://{TOKEN}@127.0.0.1:1")).code == "no_connection"


def test_resend_sends_once_although_its_first_answer_was_lost(make_app: Callable[..., Flask], resend_api: Api) -> None:
    app = make_app(MAIL_URL=url_of("resend", resend_api), MAIL_FROM="orders@shops.example")
    deliver_without_answer(app, resend_api)
    assert [mail.status for mail in mails(app)] == ["waiting"]
    make_due(app)
    deliver(app, transport(url_of("resend", resend_api)))
    assert [(mail.status, mail.provider_id) for mail in mails(app)] == [("sent", "made-1")]
    assert (len(resend_api.calls), len(resend_api.delivered)) == (2, 1)


def test_resend_sends_once_although_the_text_has_changed_since(make_app: Callable[..., Flask], resend_api: Api) -> None:
    app = make_app(MAIL_URL=url_of("resend", resend_api), MAIL_FROM="orders@shops.example")
    deliver_without_answer(app, resend_api)
    make_due(app)
    change_mails(app, language="de")
    deliver(app, transport(url_of("resend", resend_api)))
    assert [mail.status for mail in mails(app)] == ["sent"]
    assert len(resend_api.delivered) == 1


def deliver_without_answer(app: Flask, api: Api) -> None:
    """Place an order and send its mail, of which the answer is waited for only for a moment."""
    place_order(Person(app.test_client(), "north"), beans=1)
    api.answers = [0]
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr("storefront.mail.http_transports.TIMEOUT_SECONDS", 0.5)
        deliver(app, transport(url_of("resend", api)))


def make_due(app: Flask) -> None:
    [mail] = mails(app)
    change_mails(app, next_attempt_at=mail.created_at)


@pytest.mark.parametrize(
    ("contact", "reply_to"),
    [
        ({"email": "hello@köln.example"}, "hello@xn--kln-sna.example"),
        ({"email": "ask us"}, None),
        ({"email": "a@shop.example\r\nBcc: victim@example.com"}, None),
        (None, None),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_answers_go_to_the_shops_contact_address(
    make_app: Callable[..., Flask], inbox: Inbox, contact: dict[str, str] | None, reply_to: str | None
) -> None:
    app = make_app(MAIL_URL=smtp_url(inbox), MAIL_FROM="orders@shops.example")
    with app.app_context(), write():
        db.session.execute(update(Tenant).values(contact=contact))
    state_of(app).registry.invalidate()
    place_order(Person(app.test_client(), "north"), beans=1)
    deliver(app, transport(smtp_url(inbox)))
    [message] = inbox.messages
    assert message["Reply-To"] == reply_to
    assert inbox.recipients == ["ada@example.com"]


def test_no_header_can_be_injected(make_app: Callable[..., Flask], inbox: Inbox) -> None:
    app = make_app(MAIL_URL=smtp_url(inbox), MAIL_FROM="orders@shops.example")
    place_order(Person(app.test_client(), "north"), beans=1)
    with app.app_context(), write():
        db.session.execute(update(Tenant).values(name="Evil\r\nBcc: victim@example.com"))
    state_of(app).registry.invalidate()
    change_mails(app, recipient="ada@example.com\r\nBcc: victim@example.com")
    deliver(app, transport(smtp_url(inbox)))
    assert [mail.status for mail in mails(app)] == ["failed"], "this is no address"
    change_mails(app, recipient="ada@example.com", status="waiting")
    make_due(app)
    deliver(app, transport(smtp_url(inbox)))
    [message] = inbox.messages
    assert message["Bcc"] is None
    assert inbox.recipients == ["ada@example.com"]
    assert header_names(message) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"),
        *("Auto-Submitted", "X-Auto-Response-Suppress", "List-Id", "X-Peer", "X-MailFrom", "X-RcptTo"),
    }


def header_names(message: EmailMessage) -> set[str]:
    return {name for name in message if re.fullmatch(r"[\w-]+", name)}


def test_closing_twice_is_fine(api: Api) -> None:
    sender = transport(url_of("postmark", api))
    sender.send(MAIL)
    sender.close()
    sender.close()
    assert isinstance(sender, HttpTransport)
