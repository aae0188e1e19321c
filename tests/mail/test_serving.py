"""The real server sends mail by itself, soon, and goes on after it was killed."""

import os
import signal
from pathlib import Path

from tests.mail.fakes import PASSWORD, USER, api_server, smtp_server
from tests.servers import Server, serving, wait

ITEM = {"product_id": "beans", "quantity": 1}


def place_order(server: Server) -> None:
    cart = server.post("/t/north/api/v1/carts", items=[ITEM])
    server.post(f"/t/north/api/v1/carts/{cart['id']}/checkout", email="ada@example.com", name="Ada")


def test_the_server_sends_a_mail_soon_after_the_order(tmp_path: Path) -> None:
    with smtp_server(tmp_path) as inbox:
        password = PASSWORD.replace("@", "%40").replace("/", "%2F")
        mail = {
            "MAIL_URL": f"smtp://{USER}:{password}@localhost:{inbox.port}",
            "MAIL_FROM": "orders@shops.example",
            "SSL_CERT_FILE": inbox.certificate,
        }
        with serving(tmp_path, **mail) as server:
            wait(server.is_up)
            place_order(server)
            wait(lambda: bool(inbox.messages))
            wait(lambda: "mail sent" in server.log.read_text())
            server.stop()
        log = server.log.read_text()
    [message] = inbox.messages
    assert "Thank you, Ada." in message.get_body(("plain",)).get_content()
    for secret in (PASSWORD, "ada@example.com"):
        assert secret not in log


def test_mails_of_a_server_that_was_killed_go_out_after_its_restart_once(tmp_path: Path) -> None:
    """Killed between the commit and the sending: the first server has no MAIL_URL, so its mails wait."""
    with api_server(is_idempotent=True) as api:
        with serving(tmp_path) as server:
            wait(server.is_up)
            place_order(server)
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        assert api.calls == []
        mail = {"MAIL_URL": f"resend://token-0123456789@127.0.0.1:{api.port}", "MAIL_FROM": "orders@shops.example"}
        with serving(tmp_path, **mail) as server:
            wait(server.is_up)
            wait(lambda: "mail sent" in server.log.read_text())
            server.stop()
        assert len(api.delivered) == 1
        assert api.delivered[0].body["to"] == ["ada@example.com"]
