"""A language model's server for the tests: real sockets on loopback, and as good or as bad as a test wants it to be.

A behaviour is a function of an `Exchange`: it may answer, dawdle, lie or hang up. `ModelServer.behave` is the one that
the requests to come meet.
"""

import gzip
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR, socket
from typing import Any

TICK = 0.01
"""Seconds between two bytes that drip."""
Fields = dict[str, str]


@dataclass
class Request:
    """What a client sent."""

    line: str
    headers: Fields
    body: Any

    @property
    def prompt(self) -> str:
        return "\n\n".join(message["content"] for message in self.body["messages"])

    @property
    def data(self) -> dict[str, Any]:
        """The cart and the candidates that the prompt describes."""
        block = self.body["messages"][-1]["content"].rpartition("<<<DATA\n")[2]
        found: dict[str, Any] = json.loads(block[: block.rindex("}") + 1])
        return found

    @property
    def known_ids(self) -> list[str]:
        """The product ids that the strict schema allows; without one, those of the candidates."""
        if self.response_format != "json_schema":
            return [candidate["product_id"] for candidate in self.data["candidates"]]
        schema = self.body["response_format"]["json_schema"]["schema"]
        found: list[str] = schema["properties"]["suggestions"]["items"]["properties"]["product_id"]["enum"]
        return found

    @property
    def response_format(self) -> str | None:
        found: str | None = self.body.get("response_format", {}).get("type")
        return found

    @property
    def token_limit(self) -> str | None:
        return next((name for name in ("max_completion_tokens", "max_tokens") if name in self.body), None)

    @property
    def has_system_message(self) -> bool:
        return any(message["role"] == "system" for message in self.body["messages"])


@dataclass
class Exchange:
    """One request and the line on which to answer it."""

    request: Request
    line: socket
    over: threading.Event

    def send(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        fields = {"Content-Type": content_type, "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.line.sendall(f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode() + body)

    def hang_up(self) -> None:
        self.line.shutdown(SHUT_RDWR)

    def drip(self, byte: bytes) -> None:
        """Send this byte again and again, until the other side has had enough."""
        while not self.over.wait(TICK):
            self.line.sendall(byte)


Behaviour = Callable[[Exchange], None]


@dataclass
class ModelServer:
    """`requests` are those that came; `lines` are the connections that are open at this moment."""

    behave: Behaviour
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    lines: set[socket] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> bool:
        """Whether the condition came true in time."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(TICK)
        return condition()


@contextmanager
def start_model_server() -> Iterator[ModelServer]:
    server = ModelServer(behave=good)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            server.lines.add(self.connection)
            try:
                while (request := read_request(self.rfile)) is not None:
                    server.requests.append(request)
                    server.behave(Exchange(request, self.connection, server.over))
            except OSError:
                pass  # the shop hung up, which is its right
            finally:
                server.lines.discard(self.connection)

        def finish(self) -> None:
            self.rfile.close()

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True
        request_queue_size = 64

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown()
            for line in list(server.lines):
                with suppress(OSError):  # it may just have been closed
                    line.shutdown(SHUT_RDWR)
            thread.join()


def read_request(stream: Any) -> Request | None:
    """The next request of a connection; None when it was closed."""
    line = stream.readline().decode().strip()
    if not line:
        return None
    headers = {}
    while field_line := stream.readline().decode().strip():
        name, _, value = field_line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, json.loads(stream.read(int(headers.get("content-length", 0))) or b"null"))


# --- what a server may do ---------------------------------------------------------------------------------------------


def good(exchange: Exchange) -> None:
    """The first three products that the schema allows, each with a plain sentence."""
    ids = exchange.request.known_ids[:3]
    suggest([{"product_id": id, "explanation": f"It goes with this cart ({id})."} for id in ids])(exchange)


def completion(content: object, finish_reason: str = "stop", **message: object) -> bytes:
    """The body of a chat completion with this content."""
    choice = {
        "index": 0,
        "finish_reason": finish_reason,
        "message": {"role": "assistant", "content": content, **message},
    }
    usage = {"prompt_tokens": 700, "completion_tokens": 60, "total_tokens": 760}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps(answer | {"usage": usage}).encode()


def says(content: object, finish_reason: str = "stop", **message: object) -> Behaviour:
    return lambda exchange: exchange.send(200, completion(content, finish_reason, **message))


def suggest(suggestions: object) -> Behaviour:
    return says(json.dumps({"suggestions": suggestions}))


def explain(explanation: object) -> Behaviour:
    """One product that is allowed, with this explanation."""
    return lambda exchange: suggest([{"product_id": exchange.request.known_ids[0], "explanation": explanation}])(
        exchange
    )


def fails(status: int, **headers: str) -> Behaviour:
    body = json.dumps({"error": {"message": "No, sorry.", "type": "error", "code": None}}).encode()
    return lambda exchange: exchange.send(status, body, **headers)


def refuses(status: int, error: object) -> Behaviour:
    """An error status with this body in JSON."""
    return lambda exchange: exchange.send(status, json.dumps(error).encode())


@dataclass(frozen=True)
class Picky:
    """A server that takes these parameters only, and refuses others with this status and body."""

    status: int
    error: Callable[[str], object]
    """The body, by the name of what is refused: its value for `response_format`, "system" for a system message."""
    formats: tuple[str | None, ...] = ("json_schema", "json_object", None)
    limits: tuple[str | None, ...] = ("max_completion_tokens", "max_tokens", None)
    system_message: bool = True
    then: Behaviour = good

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        refused = request.response_format if request.response_format not in self.formats else None
        refused = refused or (request.token_limit if request.token_limit not in self.limits else None)
        refused = refused or ("system" if request.has_system_message and not self.system_message else None)
        answer = refuses(self.status, self.error(refused)) if refused else self.then
        answer(exchange)


def sends(body: bytes, content_type: str = "application/json", **headers: str) -> Behaviour:
    return lambda exchange: exchange.send(200, body, content_type, **headers)


def slow(seconds: float, then: Behaviour = good) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.over.wait(seconds)
        then(exchange)

    return behave


def hangs(exchange: Exchange) -> None:
    """Takes the request and says nothing, until the other side hangs up."""
    exchange.line.recv(1)


def drips_headers(exchange: Exchange) -> None:
    exchange.line.sendall(b"HTTP/1.1 200 OK\r\nX-Patience: ")
    exchange.drip(b"a")


def drips_body(exchange: Exchange) -> None:
    exchange.line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n")
    exchange.drip(b" ")


def hangs_up(exchange: Exchange) -> None:
    exchange.hang_up()


def hangs_up_midway(exchange: Exchange) -> None:
    exchange.line.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{"id": "chat'
    )
    exchange.hang_up()


def speaks_another_protocol(exchange: Exchange) -> None:
    exchange.line.sendall(b"\x16\x03\x01\x00\xa5\xff\xfe garbage\r\n\r\n")
    exchange.hang_up()


def bomb(size: int) -> Behaviour:
    """A good completion, but for `size` blanks in its content; on the wire it is a thousandth of that."""
    packed = gzip.compress(completion(" " * size + '{"suggestions": []}'))
    return sends(packed, Content_Encoding="gzip")
