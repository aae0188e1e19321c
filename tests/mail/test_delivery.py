"""Sending what is due: retries, the order of an order's mails, one sender per mail, and what a crash leaves."""

import io
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from multiprocessing import get_context
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from storefront import create_app
from storefront.clock import now
from storefront.errors import DatabaseBusy
from storefront.mail.claims import MAX_ATTEMPTS, claim_next, delay_after, store_sent
from storefront.mail.messages import OutgoingMail
from storefront.staff.permissions import Role
from storefront.state import state_of
from storefront.timings import Timings
from tests.concurrency import at_once, eventually
from tests.conftest import PATIENT_DATABASE, Person, dispose, settings_for
from tests.factories import place_order
from tests.mail.fakes import PASSWORD, USER, RecordingTransport, fails, smtp_server
from tests.mail.outbox import InShop, change_mails, deliver, mails
from tests.staff.factories import signed_in

SENDER = {"MAIL_URL": "smtp://localhost:2525", "MAIL_FROM": "orders@shops.example"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(**SENDER)


def test_a_mail_is_sent_once_and_marked_as_sent(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    transport = RecordingTransport()
    assert deliver(app, transport) is None
    assert deliver(app, transport) is None
    [mail] = mails(app)
    assert (mail.status, mail.attempts, mail.provider_id, mail.claim) == ("sent", 1, "id-1", None)
    assert mail.sent_at is not None
    [sent] = transport.sent
    assert sent.key == f"north-{mail.id}"
    assert (sent.recipient, sent.sender) == ("ada@example.com", "orders@shops.example")


def test_a_failed_attempt_is_repeated_after_growing_delays_until_it_fails_for_good(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    transport = RecordingTransport(fails())
    with time_machine.travel(now(), tick=False) as time_of_test:
        waits = []
        for _attempt in range(MAX_ATTEMPTS - 1):
            waits.append(round(deliver(app, transport) or 0))
            assert deliver(app, transport), "it isn't due yet"
            time_of_test.shift(timedelta(seconds=waits[-1] + 1))
        assert waits[:4] == [10, 30, 90, 270]
        assert max(waits) == 6 * 60 * 60
        assert timedelta(days=1) < timedelta(seconds=sum(waits)) < timedelta(days=2)
        assert deliver(app, transport) is None
        [mail] = mails(app)
        assert (mail.status, mail.attempts, len(transport.tried)) == ("failed", MAX_ATTEMPTS, MAX_ATTEMPTS)
        assert mail.last_error == "no, not to …", "without the address"
        page = signed_in(app, "north", Role.CLERK).get(f"/admin/orders/{order_id}").text
    assert "Email failed: Order confirmation" in page


def test_a_final_failure_is_not_repeated(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    assert deliver(app, RecordingTransport(fails("http_422", is_final=True))) is None
    [mail] = mails(app)
    assert (mail.status, mail.attempts) == ("failed", 1)


def test_mails_of_an_order_are_sent_in_their_order_and_others_go_on(app: Flask, shopper: Person) -> None:
    stuck, other = place_order(shopper, beans=1), place_order(shopper, beans=1)
    clerk = signed_in(app, "north", Role.CLERK)
    clerk.post(f"/admin/orders/{stuck}/fulfil", {})
    first = mails(app)[0]

    def refuse_first(mail: OutgoingMail) -> None:
        if mail.key == f"north-{first.id}":
            fails()(mail)

    transport = RecordingTransport(refuse_first)
    deliver(app, transport)
    assert [(mail.order_id, mail.kind, mail.status) for mail in mails(app)] == [
        (stuck, "order_placed", "waiting"),
        (other, "order_placed", "sent"),
        (stuck, "order_shipped", "waiting"),
    ]
    transport.behave = lambda _mail: None
    change_mails(app, next_attempt_at=now())
    deliver(app, transport)
    sent = [mail.key for mail in transport.sent]
    assert sent.index(f"north-{first.id}") < sent.index(f"north-{mails(app)[2].id}")


def test_a_mail_that_failed_for_good_does_not_hold_the_next_one_back(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=1)
    deliver(app, RecordingTransport(fails(is_final=True)))
    signed_in(app, "north", Role.CLERK).post(f"/admin/orders/{order_id}/fulfil", {})
    deliver(app, RecordingTransport())
    assert [mail.status for mail in mails(app)] == ["failed", "sent"]


def test_a_server_that_is_down_is_asked_once_and_not_for_each_mail(app: Flask, shopper: Person) -> None:
    for _order in range(3):
        place_order(shopper, beans=1)
    transport = RecordingTransport(fails("no_connection", stops_others=True, retry_after=42))
    assert deliver(app, transport) == 42
    assert len(transport.tried) == 1
    assert sorted(mail.attempts for mail in mails(app)) == [0, 0, 1]


def test_concurrent_senders_send_each_mail_once(app: Flask, shopper: Person) -> None:
    for _order in range(12):
        place_order(shopper, beans=1)
    transport = RecordingTransport(lambda _mail: time.sleep(0.01))
    at_once([lambda: deliver(app, transport) for _sender in range(4)])
    assert len({mail.key for mail in transport.tried}) == len(transport.tried) == 12
    assert {mail.status for mail in mails(app)} == {"sent"}


def test_one_of_several_claims_at_the_same_time_succeeds(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)

    def claim() -> bool:
        with InShop(app):
            return claim_next() is not None

    for _attempt in range(10):
        change_mails(app, next_attempt_at=now(), claim=None)
        assert at_once([claim] * 4).count(True) == 1


def test_a_claim_ends_with_its_lease_and_its_late_result_is_ignored(make_app: Callable[..., Flask]) -> None:
    app = make_app(**SENDER)
    place_order(Person(app.test_client(), "north"), beans=1)
    with InShop(app):
        first = claim_next()
        assert first is not None
        assert claim_next() is None
    with time_machine.travel(now() + timedelta(seconds=Timings().mail_lease + 1)), InShop(app):
        second = claim_next()
        assert second is not None
        store_sent(first, "late")
    assert [(mail.status, mail.attempts) for mail in mails(app)] == [("waiting", 2)]


def test_a_mail_that_waited_too_long_is_not_sent_by_itself(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    transport = RecordingTransport()
    with time_machine.travel(now() + timedelta(days=4)):
        deliver(app, transport)
    [mail] = mails(app)
    assert (mail.status, transport.tried) == ("failed", [])
    assert "3 days" in (mail.last_error or "")


def test_a_mail_whose_text_cannot_be_made_does_not_stop_others(
    app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = place_order(shopper, beans=1), place_order(shopper, beans=1)
    load = state_of(app).load_order
    monkeypatch.setattr(state_of(app), "load_order", lambda key: load("nosuch" if key == broken else key))
    deliver(app, RecordingTransport())
    by_order = {mail.order_id: mail for mail in mails(app)}
    assert by_order[fine].status == "sent"
    assert (by_order[broken].status, by_order[broken].attempts) == ("failed", 1)
    assert by_order[broken].last_error == "This email couldn't be made: NotFound."


def test_a_message_that_cannot_be_built_fails_at_once_and_nothing_of_it_is_logged(
    app: Flask, shopper: Person, stream: io.StringIO
) -> None:
    def build(mail: OutgoingMail) -> None:
        message = EmailMessage(policy=SMTP)
        message["To"] = Address(addr_spec=mail.recipient.replace("ada", "ü"))

    place_order(shopper, beans=1)
    transport = RecordingTransport(build)
    deliver(app, transport)
    with time_machine.travel(now() + timedelta(hours=1)):
        deliver(app, transport)
    [mail] = mails(app)
    assert (mail.status, mail.attempts, len(transport.tried)) == ("failed", 1, 1)
    assert mail.last_error == "This email couldn't be made: NonASCIILocalPartDefect."
    assert "NonASCIILocalPartDefect" in stream.getvalue()
    assert not re.search(r"Traceback|exc_info|@example\.com", stream.getvalue())


def test_an_address_of_an_earlier_version_that_no_server_takes_fails_at_once(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    change_mails(app, recipient="ü@example.com")
    transport = RecordingTransport()
    deliver(app, transport)
    [mail] = mails(app)
    assert (mail.status, mail.attempts, transport.tried) == ("failed", 1, [])
    assert "before the @" in (mail.last_error or "")


def test_a_database_that_is_busy_is_waited_for(app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_busy(_mail: object) -> None:
        raise DatabaseBusy

    place_order(shopper, beans=1)
    with monkeypatch.context() as patch:
        patch.setattr("storefront.mail.delivery.render_mail", is_busy)
        deliver(app, RecordingTransport())
    change_mails(app, next_attempt_at=now())
    deliver(app, RecordingTransport())
    assert [mail.status for mail in mails(app)] == ["sent"]


def test_no_address_and_no_secret_is_logged(app: Flask, shopper: Person, stream: io.StringIO) -> None:
    place_order(shopper, beans=1)
    deliver(app, RecordingTransport(fails()))
    change_mails(app, next_attempt_at=now())
    deliver(app, RecordingTransport())
    assert '"code": "timeout"' in stream.getvalue()
    assert "mail sent" in stream.getvalue()
    assert "ada@example.com" not in stream.getvalue()


def test_delays_grow_from_the_first_attempt_on() -> None:
    assert delay_after(1) == timedelta(seconds=10)
    assert delay_after(99) == timedelta(hours=6)


def test_a_running_worker_sends_within_a_second_or_two(make_app: Callable[..., Flask]) -> None:
    app = make_app(**SENDER)
    transport, worker = RecordingTransport(), state_of(app).mail_worker
    worker.transport = transport
    worker.start()
    try:
        assert eventually(lambda: worker.scheduler.is_running)
        place_order(Person(app.test_client(), "north"), beans=1)
        assert eventually(lambda: transport.sent)
        assert eventually(lambda: [mail.status for mail in mails(app)] == ["sent"])
    finally:
        worker.stop()


def test_a_worker_without_mail_url_does_nothing_and_mails_wait(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    worker = state_of(app).mail_worker
    worker.start()
    place_order(Person(app.test_client(), "north"), beans=1)
    assert not worker.scheduler.is_running
    assert [mail.status for mail in mails(app)] == ["waiting"]


# --- processes that are killed ----------------------------------------------------------------------------------------

IN_CHILD = get_context("spawn")
SHORT_LEASE = Timings(
    request_timeouts=PATIENT_DATABASE.request_timeouts,
    job_timeouts=PATIENT_DATABASE.job_timeouts,
    writer_slot=60,
    mail_lease=2.0,
    mail_sweep=0.5,
    mail_pause=0.2,
)


def run_shop(url: str, folder: Path, environment: dict[str, str], certificate: str, orders: int) -> None:
    """In a process of its own: a shop whose worker runs; with `orders`, somebody buys something."""
    os.environ["SSL_CERT_FILE"] = certificate
    app = create_app(settings_for(url, folder, **environment), SHORT_LEASE)
    for _order in range(orders):
        place_order(Person(app.test_client(), "north"), beans=1)
    state_of(app).mail_worker.start()
    threading.Event().wait(300)


def test_a_process_killed_while_it_sends_leaves_the_mail_to_the_next(database_url: str, tmp_path: Path) -> None:
    """The first process is killed when the server has the mail but hasn't accepted it."""
    with smtp_server(tmp_path) as inbox:
        password = PASSWORD.replace("@", "%40").replace("/", "%2F")
        environment = SENDER | {"MAIL_URL": f"smtp://{USER}:{password}@localhost:{inbox.port}"}
        shops = []

        def start(orders: int) -> None:
            arguments = (database_url, tmp_path, environment, inbox.certificate, orders)
            shops.append(IN_CHILD.Process(target=run_shop, args=arguments))
            shops[-1].start()

        def kill_first() -> None:
            os.kill(shops[0].pid, signal.SIGKILL)
            inbox.on_data = lambda: None

        inbox.answer = "451 Please try again later"
        inbox.on_data = kill_first
        app = create_app(settings_for(database_url, tmp_path, **environment), SHORT_LEASE)
        try:
            start(orders=1)
            shops[0].join(120)
            assert shops[0].exitcode == -signal.SIGKILL
            assert [(mail.status, mail.attempts) for mail in mails(app)] == [("waiting", 1)]
            inbox.answer = "250 OK"
            start(orders=0)
            start(orders=0)
            assert eventually(lambda: [mail.status for mail in mails(app)] == ["sent"], 120)
            assert len(inbox.messages) == 1
        finally:
            for shop in shops:
                shop.kill()
                shop.join()
            dispose(app)
