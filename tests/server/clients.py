"""HTTP clients over raw sockets: slow, malformed, or with several requests at once."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.servers import Server

HALF_HEAD = b"GET /t/north/ HTTP/1.1\r\nHost: localhost\r\nX-Half: "
HALF_BODY = b"POST /t/north/cart/items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nproduct_id="
HALF_CHUNK = b"POST /t/north/cart/items HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\nproduct"
SLOW = {"silent": b"", "half a head": HALF_HEAD, "half a body": HALF_BODY, "half a chunk": HALF_CHUNK}


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection. Header names are in lower case."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(status_line.split(" ")[1]), {name.lower(): value for name, value in headers.items()}

    def response(self) -> Response:
        """Read the next response, which must have a Content-Length."""
        status, headers = self.head()
        size = int(headers["content-length"])
        while len(self.received) < size:
            self._receive()
        body, self.received = self.received[:size], self.received[size:]
        return Response(status, headers, body)

    def is_waiting(self) -> bool:
        """Return whether the server has neither responded nor closed the connection so far."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self.received
        except ConnectionResetError:
            pass
        finally:
            self.socket.settimeout(60)
        return False

    def is_closed(self) -> bool:
        """Wait for the end of the connection; True if nothing came before it."""
        try:
            return not self.received and not self.socket.recv(1)
        except ConnectionResetError:
            return True

    def _receive(self) -> None:
        chunk = self.socket.recv(65536)
        assert chunk, f"the connection ended after {self.received!r}"
        self.received += chunk


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 10_000) -> bytes:
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@contextmanager
def slow_clients(server: Server, count_per_kind: int) -> Iterator[list[Client]]:
    """Open clients of each kind in `SLOW`, each with an incomplete request."""
    with ExitStack() as stack:
        clients = []
        for beginning in SLOW.values():
            for _ in range(count_per_kind):
                client = Client(server)
                stack.callback(client.socket.close)
                client.send(beginning)
                clients.append(client)
        yield clients


def check_page(server: Server) -> None:
    answer, text = server.get("/t/north/")
    assert answer.status == 200
    assert "Dawn Beans" in text
