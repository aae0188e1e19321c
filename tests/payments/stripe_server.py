"""The fake Stripe as an HTTP server: the API that the real library talks to, a hosted page with Pay and Cancel, and
signed webhooks. `python -m tests.payments.stripe_server PORT` runs it for `make dev`."""

import hmac
import json
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.payments.stripe_account import SLOW, StripeAccount, StripeRefusal
from tests.payments.stripe_page import page

SECRET_KEY, WEBHOOK_SECRET = "sk_test_fake_of_the_tests", "whsec_fake_of_the_tests"
HANG_SECONDS = 120.0
DRIP_SECONDS = 0.1


@dataclass
class Faults:
    """How the fake misbehaves. `answers` are used up by the next API calls, one each: a status such as 500, "hang"
    (no answer), "drop" (the connection ends), "late" (the call is carried out, but never answered), or "drip" (it is
    carried out, and the answer comes byte by byte)."""

    answers: list[int | str] = field(default_factory=list)
    always: int | str | None = None
    """Likewise, for all calls."""
    delay_seconds: float = 0.0
    webhooks: bool = True
    copies: int = 1
    """How often each webhook is sent."""
    shuffled: bool = False
    """Whether webhooks wait for each other and come in another order, with `send_webhooks`."""
    webhook_delay_seconds: float = 0.0


@dataclass
class StripeServer:
    """`calls` are the API calls received: method, path and idempotency key."""

    port: int
    account: StripeAccount
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, tuple[str, int, bytes]] = field(default_factory=dict)
    """By idempotency key: the request, and the answer, which is repeated."""
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a shop that uses this server."""
        return {
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_API_BASE": self.base,
        }

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event's webhook, or keep it for `send_webhooks`."""
        if self.faults.shuffled:
            self.waiting += [event] * self.faults.copies
        elif self.faults.webhooks:
            threading.Thread(target=self.send, args=[event] * self.faults.copies, daemon=True).start()

    def send_webhooks(self) -> list[int]:
        """Send those that wait, in random order. Returns the statuses of the answers."""
        events, self.waiting = self.waiting, []
        random.shuffle(events)
        return [status for event in events for status in self.send(event)]

    def send(self, *events: dict[str, Any]) -> list[int]:
        self.stopping.wait(self.faults.webhook_delay_seconds)
        return [send_webhook(event) for event in events]

    def answer(self, method: str, path: str, params: dict[str, Any], key: str) -> tuple[int, bytes]:
        """Carry out an API call, once for each idempotency key: its answer is repeated, also one of an error."""
        if not key or method == "GET":
            return self.carry_out(method, path, params)
        request = json.dumps([method, path, params], sort_keys=True)
        with self.lock:
            if key in self.results:
                before, status, body = self.results[key]
                if before != request:
                    refusal = StripeRefusal(400, "idempotency_error", "Keys can only be used with the same parameters.")
                    return 400, json.dumps(refusal.body).encode()
                return status, body
            status, body = self.carry_out(method, path, params)
            self.results[key] = request, status, body
        return status, body

    def carry_out(self, method: str, path: str, params: dict[str, Any]) -> tuple[int, bytes]:
        try:
            return 200, json.dumps(self.route(method, path, params)).encode()
        except StripeRefusal as refusal:
            return refusal.status, json.dumps(refusal.body).encode()

    def route(self, method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
        account = self.account
        if path == "/v1/checkout/sessions":
            if method == "GET":
                return {"object": "list", "data": [], "has_more": False, "url": path}
            return account.create_session(params)
        if found := re.fullmatch(r"/v1/checkout/sessions/([\w-]+)(/expire)?", path):
            return account.expire_session(found[1]) if found[2] else account.shown_session(found[1])
        if path == "/v1/refunds":
            return account.refund(params) if method == "POST" else account.refunds_of(params["payment_intent"])
        raise StripeRefusal(404, "resource_missing", f"Unrecognized request URL ({method}: {path})")


def send_webhook(event: dict[str, Any]) -> int:
    """Send an event, signed, to the shop whose page the session leads back to. Returns the status; 0 without answer."""
    back = event["data"]["object"].get("success_url")
    if not back:
        return 0
    root = urlsplit(back.partition("/orders/")[0] + "/payments/stripe")
    body = json.dumps(event, indent=2).encode()
    connection = HTTPConnection(root.hostname or "", root.port, timeout=20)
    try:
        headers = {"Stripe-Signature": signature(body), "Content-Type": "application/json"}
        connection.request("POST", root.path, body, headers)
        return connection.getresponse().status
    except OSError:
        return 0  # the shop isn't there; Stripe would try again
    finally:
        connection.close()


def signature(body: bytes, secret: str = WEBHOOK_SECRET, moment: float | None = None) -> str:
    timestamp = int(time.time() if moment is None else moment)
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return form fields such as `a[0][b]=1` as dictionaries."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        *outer, last = re.findall(r"[^\[\]]+", name)
        place = found
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return found


class Handler(BaseHTTPRequestHandler):
    server: "QuietServer"
    protocol_version = "HTTP/1.1"

    @property
    def fake(self) -> StripeServer:
        return self.server.fake

    def log_message(self, *args: object) -> None:
        pass

    def reply(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        fields = {"Content-Type": kind, "Content-Length": str(len(body)), "Request-Id": "req_test"} | headers
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.handle_request("GET", b"")

    def do_POST(self) -> None:
        self.handle_request("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def handle_request(self, method: str, body: bytes) -> None:
        path = urlsplit(self.path)
        if path.path.startswith("/v1/"):
            self.api(method, path.path, nested(parse_qsl(body.decode() or path.query)))
        elif found := re.fullmatch(r"/c/pay/([\w-]+)(?:/(pay|debit))?", path.path):
            self.hosted_page(found[1], found[2])
        else:
            self.reply(204 if path.path == "/favicon.ico" else 404, b"", "text/plain")

    def hosted_page(self, id: str, act: str | None) -> None:
        try:
            if act is None:
                self.reply(200, page(self.fake.account.session(id)), "text/html; charset=utf-8")
                return
            session = self.fake.account.pay(id, *([SLOW] if act == "debit" else []))
            self.reply(303, b"", Location=session["success_url"])
        except StripeRefusal as refusal:
            self.reply(refusal.status, str(refusal).encode(), "text/plain")

    def api(self, method: str, path: str, params: dict[str, Any]) -> None:
        key = self.headers.get("Idempotency-Key", "")
        self.fake.calls.append((method, path, key))
        self.fake.stopping.wait(self.fake.faults.delay_seconds)
        if self.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            self.reply(401, b'{"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}')
            return
        fault = self.fake.faults.answers.pop(0) if self.fake.faults.answers else self.fake.faults.always
        if isinstance(fault, int):
            text = json.dumps({"error": {"type": "api_error", "message": "An unknown error occurred"}}).encode()
            if key and fault not in (409, 429):  # these are no results
                self.fake.results[key] = json.dumps([method, path, params], sort_keys=True), fault, text
            self.reply(fault, text)
            return
        if fault in ("hang", "drop"):
            self.leave(fault)
            return
        status, body = self.fake.answer(method, path, params, key)
        if fault == "late":
            self.leave("hang")
            return
        if fault == "drip":
            self.drip(status, body)
            return
        self.reply(status, body)

    def drip(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.fake.stopping.wait(DRIP_SECONDS)

    def leave(self, how: str) -> None:
        """Give no answer."""
        if how == "hang":
            self.fake.stopping.wait(HANG_SECONDS)
        self.close_connection = True


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, fake: StripeServer) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", fake.port), Handler)

    def handle_error(self, *args: object) -> None:
        """A client that gives up is no error here."""


@contextmanager
def start_stripe_server(port: int = 0, clock: Callable[[], float] = time.time) -> Iterator[StripeServer]:
    account = StripeAccount(clock=clock)
    server = StripeServer(port, account)
    with QuietServer(server) as listener:
        server.port = listener.server_address[1]
        account.pages, account.tell = f"http://localhost:{server.port}", server.tell
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            listener.shutdown()
            thread.join()


def main() -> None:
    """Serve until the process is ended."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with start_stripe_server(int(sys.argv[1])) as server:
        print(f"A fake of Stripe takes payments at {server.base}.", file=sys.stderr, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
