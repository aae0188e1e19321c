"""The back office's pages of mails."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from storefront.db.transactions import write
from storefront.mail.actions import queue_mail
from storefront.mail.kinds import MailKind
from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import place_order
from tests.mail.fakes import RecordingTransport, fails
from tests.mail.outbox import InShop, deliver, mails
from tests.staff.factories import Staff, signed_in

SENDER = {"MAIL_URL": "smtp://localhost:2525", "MAIL_FROM": "orders@shops.example"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(**SENDER)


@pytest.fixture
def clerk(app: Flask) -> Staff:
    return signed_in(app, "north", Role.CLERK)


def listed(person: Staff, query: str = "") -> list[int]:
    answer = person.get(f"/admin/mail?{query}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return [int(id) for id in re.findall(r'<a id="mail_(\d+)"', answer.text)]


def test_the_list_says_what_it_is_for_when_it_is_empty(clerk: Staff) -> None:
    assert "No emails yet" in clerk.get("/admin/mail").text
    assert "No emails found" in clerk.get("/admin/mail?q=nothing").text


def test_the_list_is_filtered_by_status_recipient_and_order(app: Flask, clerk: Staff, shopper: Person) -> None:
    order_ids = [
        shopper.checkout(shopper.cart(beans=1), email=f"{name}@mail.example").json["id"] for name in ("ada", "bob")
    ]
    first, second = (mail.id for mail in mails(app))
    assert listed(clerk) == [second, first]
    assert listed(clerk, "status=waiting") == [second, first]
    deliver(app, RecordingTransport(lambda mail: fails(is_final=True)(mail) if "ada" in mail.recipient else None))
    assert listed(clerk, "status=failed") == [first]
    assert listed(clerk, "status=sent") == [second]
    assert listed(clerk, "status=waiting") == []
    assert listed(clerk, "status=nonsense&before=x") == [second, first]
    for q in ("ada@mail", "ADA@", "ada@mail.example"):
        assert listed(clerk, f"q={q}") == [first]
    number = shopper.api("GET", f"/orders/{order_ids[1]}").json["number"]
    assert listed(clerk, f"q={number.lower()}") == [second]
    assert listed(clerk, "q=da@mail") == []


def test_pages_lead_to_older_and_back_to_newer_mails(
    app: Flask, clerk: Staff, shopper: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront.admin.mail_pages.MAILS_PER_PAGE", 2)
    for _order in range(5):
        place_order(shopper, beans=1)
    ids = [mail.id for mail in mails(app)][::-1]

    def follow(page: str, rel: str) -> str:
        [link] = re.findall(rf'rel="{rel}" href="([^"]+)"', page)
        return clerk.client.get(link.replace("&amp;", "&")).text

    first = clerk.get("/admin/mail").text
    second = follow(first, "next")
    third = follow(second, "next")
    back = follow(third, "prev")
    found = [[int(id) for id in re.findall(r'<a id="mail_(\d+)"', page)] for page in (first, second, third, back)]
    assert found == [ids[:2], ids[2:4], ids[4:], ids[2:4]]


def test_a_mail_is_shown_in_a_frame_where_nothing_is_loaded_and_nothing_runs(
    app: Flask, clerk: Staff, shopper: Person
) -> None:
    place_order(shopper, beans=1)
    [mail] = mails(app)
    page = clerk.get(f"/admin/mail/{mail.id}").text
    assert '<iframe class="mail-frame" sandbox' in page
    assert f'src="/t/north/admin/mail/{mail.id}/html"' in page
    assert "We&#39;ve received your order" in page or "We've received your order" in page, "as plain text"
    framed = clerk.get(f"/admin/mail/{mail.id}/html")
    assert "Thank you, Ada." in framed.text
    policy = framed.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox;" in policy
    assert "frame-ancestors 'self'" in policy
    assert "frame-ancestors 'none'" in clerk.get("/admin/mail").headers["Content-Security-Policy"]
    assert clerk.get("/admin/mail/1").status_code == 404
    assert clerk.get("/admin/mail/x/html").status_code == 404


def test_a_viewer_sees_no_recipient_and_no_text(app: Flask, shopper: Person) -> None:
    viewer = signed_in(app, "north", Role.VIEWER)
    order_id = shopper.checkout(shopper.cart(beans=1), email="ada@mail.example", name="Ada Okafor").json["id"]
    deliver(app, RecordingTransport(fails(is_final=True)))
    [mail] = mails(app)
    for path in ("/admin/mail", f"/admin/mail?open={mail.id}", f"/admin/mail/{mail.id}", f"/admin/orders/{order_id}"):
        text = viewer.get(path).text
        assert "ada@mail.example" not in text, path
        assert "Okafor" not in text, path
    assert listed(viewer) == [mail.id]
    assert listed(viewer, "q=ada") == []
    assert viewer.get(f"/admin/mail/{mail.id}/html").status_code == 403
    assert viewer.post(f"/admin/mail/{mail.id}/send").status_code == 403
    assert viewer.post("/admin/mail/test").status_code == 403


def test_a_secret_link_is_shown_to_nobody(app: Flask) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    with InShop(app), write():
        mail_id = queue_mail(MailKind.PASSWORD_RESET, "owner@north.example", "en", None, {}, "/admin/password/secret")
    for path in (f"/admin/mail/{mail_id}", f"/admin/mail/{mail_id}/html"):
        assert "/admin/password/" not in owner.get(path).text


def test_a_failed_mail_is_sent_again(app: Flask, clerk: Staff, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    deliver(app, RecordingTransport(fails(is_final=True)))
    [mail] = mails(app)
    assert "Email failed" in clerk.get(f"/admin/orders/{order_id}").text
    answer = clerk.post(f"/admin/mail/{mail.id}/send")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t/north/admin/mail/{mail.id}")
    transport = RecordingTransport()
    deliver(app, transport)
    assert [(mail.status, mail.attempts) for mail in mails(app)] == [("sent", 1)]
    page = clerk.get(f"/admin/orders/{order_id}").text
    assert "Email sent again: Order confirmation" in page
    assert "Email sent: Order confirmation" in page


def test_of_a_sent_mail_a_copy_is_sent_with_a_key_of_its_own(app: Flask, clerk: Staff, shopper: Person) -> None:
    place_order(shopper, beans=1)
    transport = RecordingTransport()
    deliver(app, transport)
    clerk.post(f"/admin/mail/{mails(app)[0].id}/send")
    deliver(app, transport)
    assert [mail.status for mail in mails(app)] == ["sent", "sent"]
    assert len({mail.key for mail in transport.sent}) == 2


@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "failed"])
def test_a_form_that_is_sent_twice_sends_the_mail_once(
    app: Flask, clerk: Staff, shopper: Person, is_sent: bool
) -> None:
    place_order(shopper, beans=1)
    deliver(app, RecordingTransport() if is_sent else RecordingTransport(fails(is_final=True)))
    [mail] = mails(app)
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', clerk.get(f"/admin/mail/{mail.id}").text))
    assert set(form) == {"shown_status", "copy_id"}
    transport = RecordingTransport()
    led_to = set()
    for _click in range(2):
        led_to.add(clerk.post(f"/admin/mail/{mail.id}/send", form).headers["Location"])
        deliver(app, transport)
    assert len(transport.sent) == 1
    assert len(led_to) == 1


def test_a_mail_whose_secret_link_is_gone_cannot_be_sent_again(app: Flask, clerk: Staff) -> None:
    with InShop(app), write():
        mail_id = queue_mail(MailKind.INVITATION, "x@mail.example", "en", None, {}, "/admin/invitations/secret")
    deliver(app, RecordingTransport())
    refused = clerk.post(f"/admin/mail/{mail_id}/send")
    assert refused.status_code == 409
    assert "wasn&#39;t kept" in refused.text or "wasn't kept" in refused.text


def test_a_test_mail_goes_to_who_asks_for_it(app: Flask) -> None:
    manager = signed_in(app, "north", Role.MANAGER)
    answer = manager.post("/admin/mail/test")
    [mail] = mails(app)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t/north/admin/mail/{mail.id}")
    transport = RecordingTransport()
    deliver(app, transport)
    [sent] = transport.sent
    assert (sent.recipient, sent.subject) == (manager.email, "Test email from Dawn Coffee") or sent.subject


def test_without_mail_url_the_list_says_so_and_nothing_is_sent(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    manager = signed_in(app, "north", Role.MANAGER)
    place_order(Person(app.test_client(), "north"), beans=1)
    [mail] = mails(app)
    assert "MAIL_URL" in manager.get("/admin/mail").text
    assert manager.post(f"/admin/mail/{mail.id}/send").status_code == 409
    assert manager.post("/admin/mail/test").status_code == 303
    assert len(mails(app)) == 1


def test_another_shops_mails_are_not_there(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    [mail] = mails(app)
    other = signed_in(app, "south", Role.OWNER)
    assert listed(other) == []
    for path in (f"/admin/mail/{mail.id}", f"/admin/mail/{mail.id}/html"):
        assert other.get(path).status_code == 404
    assert other.post(f"/admin/mail/{mail.id}/send").status_code == 404


def test_open_lists_hear_of_mails_that_are_queued_sent_or_have_failed(
    app: Flask, clerk: Staff, shopper: Person
) -> None:
    states = [clerk.get("/admin/mail/state").text]
    place_order(shopper, beans=1)
    states.append(clerk.get("/admin/mail/state").text)
    deliver(app, RecordingTransport(fails(is_final=True)))
    states.append(clerk.get("/admin/mail/state").text)
    clerk.post(f"/admin/mail/{mails(app)[0].id}/send")
    deliver(app, RecordingTransport())
    states.append(clerk.get("/admin/mail/state").text)
    assert len(set(states)) == 4
    page = clerk.get("/admin/mail").text
    assert f'data-latest-event="{states[-1]}" data-latest-event-url="/t/north/admin/mail/state"' in page
