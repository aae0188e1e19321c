"""What mails are sent to in tests: a transport that records, a real SMTP server, and the providers' HTTP APIs."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from storefront.clock import now
from storefront.mail.failures import MailFailure
from storefront.mail.messages import OutgoingMail
from tests.ports import free_port

USER, PASSWORD = "shop", "pass@word/1"


@dataclass
class RecordingTransport:
    """Records the mails; `behave` may raise `MailFailure` for one."""

    behave: Callable[[OutgoingMail], None] = lambda _mail: None
    sent: list[OutgoingMail] = field(default_factory=list)
    tried: list[OutgoingMail] = field(default_factory=list)

    def send(self, mail: OutgoingMail) -> str | None:
        self.tried.append(mail)
        self.behave(mail)
        self.sent.append(mail)
        return f"id-{len(self.sent)}"

    def close(self) -> None:
        pass


def fails(code: str = "timeout", **kinds: Any) -> Callable[[OutgoingMail], None]:
    def behave(mail: OutgoingMail) -> None:
        raise MailFailure(code, f"no, not to {mail.recipient}", **kinds)

    return behave


# --- SMTP -------------------------------------------------------------------------------------------------------------


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of this machine, which signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return cert_file, key_file


@dataclass
class Inbox:
    """What an SMTP server has accepted. `answer` is its response to the content of a mail."""

    port: int = 0
    certificate: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answer: str = "250 OK"
    refuse_recipient: str = ""
    on_data: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.on_data()
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self.was_encrypted.append(session.ssl is not None)
            self.recipients += envelope.rcpt_tos
        return self.answer

    def __call__(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)


@contextmanager
def smtp_server(folder: Path, is_open: bool = False) -> Iterator[Inbox]:
    """A real SMTP server on this machine, with STARTTLS and a password that it takes only with it; or an open one, with
    neither."""
    inbox = Inbox(free_port())
    cert_file, key_file = write_certificate(folder)
    inbox.certificate = str(cert_file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    tls: dict[str, Any] = {"tls_context": context, "require_starttls": True}
    password: dict[str, Any] = {"authenticator": inbox, "auth_required": True, "auth_require_tls": True}
    more = {} if is_open else tls | password
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port, **more)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


# --- the providers' APIs ----------------------------------------------------------------------------------------------


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Api:
    """A provider's API. `answers` are statuses of the next calls: 200 when there are none, 0 for none in time. With
    `is_idempotent`, a key is answered again as the first time, and refused with another content."""

    port: int = 0
    is_idempotent: bool = False
    answers: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    delivered: list[Call] = field(default_factory=list)
    known: dict[str, tuple[str, str]] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)

    def respond(self, call: Call) -> tuple[int, dict[str, Any]]:
        self.calls.append(call)
        key, content = call.headers.get("idempotency-key", ""), json.dumps(call.body, sort_keys=True)
        if self.is_idempotent and key in self.known:
            first_content, first_id = self.known[key]
            same = content == first_content
            return (200, {"id": first_id}) if same else (409, {"name": "invalid_idempotent_request", "message": "no"})
        status = self.answers.pop(0) if self.answers else 200
        if status in (0, 200):
            self.delivered.append(call)
            made = f"made-{len(self.delivered)}"
            self.known[key] = content, made
            return status, {"id": made, "MessageID": made, "ErrorCode": 0}
        return status, {"message": f"error {status}", "Message": f"error {status}", "ErrorCode": 300}


@contextmanager
def api_server(is_idempotent: bool = False) -> Iterator[Api]:
    api = Api(is_idempotent=is_idempotent)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = api.respond(Call(self.path, headers, body))
            if status == 0:
                api.closing.wait(60)  # it has taken the mail, and never answers
                return
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
