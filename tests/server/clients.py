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
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection. Names of headers are in lower case."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, value in headers.items()}

    def answer(self) -> Answer:
        """The next answer, which must say how long it is."""
        status, headers = self.head()
        size = int(headers["content-length"])
        while len(self.received) < size:
            self._receive()
        body, self.received = self.received[:size], self.received[size:]
        return Answer(status, headers, body)

    def is_waiting(self) -> bool:
        """Whether the server has neither answered nor closed the connection so far."""
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
        piece = self.socket.recv(65536)
        assert piece, f"the connection ended after {self.received!r}"
        self.received += piece


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 10_000) -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@contextmanager
def slow_clients(server: Server, many: int) -> Iterator[list[Client]]:
    """So many of each kind, all in the middle of what they do."""
    with ExitStack() as stack:
        clients = []
        for begin in SLOW.values():
            for _ in range(many):
                client = Client(server)
                stack.callback(client.socket.close)
                client.send(begin)
                clients.append(client)
        yield clients


def check_page(server: Server) -> None:
    answer, text = server.get("/t/north/")
    assert answer.status == 200
    assert "Dawn Beans" in text
