"""Requests as clients send them: pipelined, chunked, with Expect, too large, and malformed."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from storefront.server.request_buffer import MAX_WIRE_BODY_BYTES
from storefront.web.security import MAX_BODY_BYTES
from tests.server.clients import Client, Response, chunked, request
from tests.servers import Server, serving, wait, wait_for_line

Connect = Callable[[], Client]
API = "/t/north/api/v1"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("requests"), WEB_CONCURRENCY="1", RATELIMIT_ENABLED="false") as running:
        wait(running.is_up)
        yield running
        output = running.log.read_text()
        assert "Traceback" not in output and '"ERROR"' not in output


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    with ExitStack() as stack:

        def connect() -> Client:
            client = Client(server)
            stack.callback(client.socket.close)
            return client

        yield connect


def is_problem(answer: Response, status: int) -> bool:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    problem = json.loads(answer.body)
    return problem["status"] == status and {"type", "title", "detail"} <= problem.keys()


def test_connection_serves_several_requests_including_pipelined_ones(connect: Connect) -> None:
    client = connect()
    paths = [f"{API}/products/{name}" for name in ("beans", "cup", "nothing")]
    for path in paths:
        client.send(request("GET", path))
        assert client.response().headers["connection"] == "keep-alive"
    cart = json.dumps({"items": [{"product_id": "beans", "quantity": 2}]}).encode()
    order = request("POST", f"{API}/carts", JSON, f"Content-Length: {len(cart)}", body=cart)
    client.send(
        b"".join(request("GET", path) for path in paths) + order + request("GET", "/healthz", "Connection: close")
    )
    answers = [client.response() for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 404, 201, 200]
    assert [json.loads(answer.body)["id"] for answer in answers[:2]] == ["beans", "cup"]
    assert client.is_closed()


def test_request_may_arrive_byte_by_byte(connect: Connect) -> None:
    client = connect()
    body = b'{"items": []}'
    for byte in request("POST", f"{API}/carts", JSON, CHUNKED, body=chunked(body, 3)):
        client.send(bytes([byte]))
    assert client.response().status == 201


def test_http_1_0_request_is_answered_and_the_connection_closed(connect: Connect) -> None:
    client = connect()
    client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (client.response().status, client.is_closed()) == (200, True)


def test_client_that_closes_its_sending_side_gets_the_response(connect: Connect) -> None:
    client = connect()
    client.send(request("GET", "/t/north/"))
    client.socket.shutdown(1)
    assert client.response().status == 200


def test_client_that_expects_continue_gets_it_before_its_body(connect: Connect) -> None:
    client, body = connect(), b'{"items": []}'
    client.send(request("POST", f"{API}/carts", JSON, "Expect: 100-continue", f"Content-Length: {len(body)}"))
    assert client.head() == (100, {})
    client.send(body)
    assert client.response().status == 201, "100 Continue was sent twice"
    client.send(
        request("POST", f"{API}/carts", JSON, "Expect: 100-continue", f"Content-Length: {MAX_WIRE_BODY_BYTES + 1}")
    )
    assert is_problem(client.response(), 413), "100 Continue was sent before a refused body"
    other = connect()
    other.send(request("POST", f"{API}/carts", "Expect: a miracle", "Content-Length: 5"))
    assert is_problem(other.response(), 417)


def test_chunked_body_is_accepted(connect: Connect) -> None:
    client = connect()
    body = json.dumps({"items": [{"product_id": "beans", "quantity": 3}]}).encode()
    client.send(request("POST", f"{API}/carts", JSON, CHUNKED, body=chunked(body, 7)))
    answer = client.response()
    assert (answer.status, json.loads(answer.body)["items"][0]["quantity"]) == (201, 3)
    client.send(request("POST", "/t/north/cart/items", FORM, CHUNKED, body=chunked(b"product_id=beans")))
    assert client.response().status == 303
    client.send(request("POST", f"{API}/carts", CHUNKED, body=chunked(b"")))
    assert client.response().status == 201, "an empty chunked body was refused"


def with_length(body: bytes) -> tuple[str, bytes]:
    return f"Content-Length: {len(body)}", body


def with_chunks(body: bytes) -> tuple[str, bytes]:
    return CHUNKED, chunked(body)


@pytest.mark.parametrize("send", [with_length, with_chunks])
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 1_000_000, 10_000_000])
def test_body_above_the_limit_is_refused_and_the_connection_serves_on(
    connect: Connect, send: Callable[[bytes], tuple[str, bytes]], size: int
) -> None:
    """The body has been read to its end, so the connection can be used again."""
    client = connect()
    text = b'{"items": [], "x": "' + b"x" * (size - 22) + b'"}'
    framing, body = send(text)
    client.send(request("POST", f"{API}/carts", JSON, framing, body=body))
    assert is_problem(client.response(), 413)
    framing, body = send(b"product_id=beans&quantity=1&x=" + b"x" * (size - 30))
    client.send(request("POST", "/t/north/cart/items", FORM, framing, body=body))
    answer = client.response()
    assert (answer.status, "set-cookie" in answer.headers) == (413, False), "a cart was created"
    multipart = b'--b\r\nContent-Disposition: form-data; name="product_id"\r\n\r\nbeans\r\n--b\r\n' + b"x" * size
    framing, body = send(multipart)
    client.send(
        request("POST", "/t/north/cart/items", "Content-Type: multipart/form-data; boundary=b", framing, body=body)
    )
    assert client.response().status == 413


@pytest.mark.parametrize("send", [with_length, with_chunks])
def test_body_of_exactly_the_limit_is_accepted(connect: Connect, send: Callable[[bytes], tuple[str, bytes]]) -> None:
    client = connect()
    framing, body = send(b"product_id=beans&x=" + b"x" * (MAX_BODY_BYTES - 19))
    client.send(request("POST", "/t/north/cart/items", FORM, framing, body=body))
    assert client.response().status == 303


@pytest.mark.parametrize(
    ("path", "content_type"),
    [(f"{API}/carts", "application/problem+json"), ("/t/north/cart/items", "text/html; charset=utf-8")],
)
def test_body_above_the_wire_limit_is_refused_before_it_is_read(connect: Connect, path: str, content_type: str) -> None:
    for framing, body in (
        (f"Content-Length: {MAX_WIRE_BODY_BYTES + 1}", b"x" * 1000),
        (CHUNKED, b"%x\r\nxxx" % (MAX_WIRE_BODY_BYTES + 1)),
        (CHUNKED, b"100000\r\n" + b"x" * 0x100000 + b"\r\nFFFFFFFFFFFFFF\r\n"),
    ):
        client = connect()
        client.send(request("POST", path, framing, body=body))
        answer = client.response()
        assert (answer.status, answer.headers["content-type"]) == (413, content_type)
        assert client.is_closed()


MALFORMED = {
    "a long URL": (414, b"GET %s/{} HTTP/1.1\r\nHost: a\r\n\r\n".replace(b"{}", b"x" * 5000)),
    "a URL without an end": (414, b"GET %s/{}".replace(b"{}", b"x" * 5000)),
    "too many headers": (431, b"GET %s/ HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
    "a large header": (431, b"GET %s/ HTTP/1.1\r\nA: " + b"x" * 9000 + b"\r\n\r\n"),
    "a head without an end": (431, b"GET %s/ HTTP/1.1\r\n" + b"A: b\r\n" * 11_000),
    "a header without a colon": (400, b"GET %s/ HTTP/1.1\r\nAuthorization Bearer secret-word\r\n\r\n"),
    "a control character": (400, b"GET %s/ HTTP/1.1\r\nA: \x00\r\n\r\n"),
    "a bare line feed": (400, b"GET %s/ HTTP/1.1\n"),
    "a space in the URL": (400, b"GET %s/a b HTTP/1.1\r\n\r\n"),
    "no version": (400, b"GET %s/\r\n\r\n"),
    "another version": (400, b"GET %s/ HTTP/3.0\r\nHost: a\r\n\r\n"),
    "a lower-case method": (400, b"get %s/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "two hosts": (400, b"GET %s/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "length and chunks": (
        400,
        b"POST %s/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "an invalid length": (400, b"POST %s/ HTTP/1.1\r\nContent-Length: three\r\n\r\nabc"),
    "gzip and chunked coding": (
        501,
        b"POST %s/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ),
    "an unknown coding": (501, b"POST %s/ HTTP/1.1\r\nTransfer-Encoding: rot13\r\n\r\n"),
    "a chunk without a size": (400, b"POST %s/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "an invalid end of a chunk": (400, b"POST %s/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n"),
}
API_ROOTS = (b"/t/north/api/v1", b"/api/v1", b"http://north.localhost/api/v1")
OTHER_ROOTS = (b"/t/north", b"", b"/t/api/products", b"/apidocs")


@pytest.mark.parametrize(("status", "sent"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_request_is_answered_with_a_problem_or_a_page(
    server: Server, connect: Connect, status: int, sent: bytes
) -> None:
    for root in API_ROOTS:
        client = connect()
        client.send(sent.replace(b"%s", root, 1))
        answer = client.response()
        assert is_problem(answer, status)
        assert client.is_closed()
        assert is_logged(server, answer)
    for root in OTHER_ROOTS:
        client = connect()
        client.send(sent.replace(b"%s", root, 1))
        answer = client.response()
        assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), root
        assert answer.headers["x-request-id"] in answer.body.decode()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert is_logged(server, answer)
    assert "secret-word" not in server.log.read_text(), "a part of a malformed request was logged"


def is_logged(server: Server, answer: Response) -> bool:
    line = wait_for_line(server, request_id=answer.headers["x-request-id"])
    return (line["logger"], line["status"], line["route"]) == ("storefront.access", answer.status, None)


def test_request_id_of_a_malformed_request_is_returned(connect: Connect) -> None:
    for given, returned in (("find-me", True), ("<script>", False), ("x" * 65, False)):
        client = connect()
        client.send(b"GET /a b HTTP/1.1\r\nX-Request-ID: " + given.encode() + b"\r\n\r\n")
        assert (client.response().headers["x-request-id"] == given) is returned


def test_refusal_of_a_head_request_has_no_body(connect: Connect) -> None:
    client = connect()
    client.send(b"HEAD /a b HTTP/1.1\r\n\r\n")
    status, headers = client.head()
    assert (status, int(headers["content-length"]) > 0) == (400, True)
    assert client.is_closed()


def test_refusals_are_counted_in_the_metrics(server: Server, connect: Connect) -> None:
    client = connect()
    client.send(b"PATCH /a b HTTP/1.1\r\n\r\n")
    assert client.response().status == 400
    assert 'storefront_http_requests_total{method="PATCH",route="none",status="400"} 1.0' in server.get("/metrics")[1]


def test_server_serves_on_after_random_bytes(server: Server, connect: Connect) -> None:
    rng = random.Random(1)
    for _ in range(200):
        client = connect()
        noise = rng.randbytes(rng.randrange(1, 300))
        client.send(noise if rng.random() < 0.5 else b"GET / HTTP/1.1\r\n" + noise)
        client.socket.close()
    assert server.get("/healthz")[0].status == 200
