"""Requests as clients send them: pipelined, chunked, with Expect, too large, and malformed."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from storefront.server.request_buffer import MAX_WIRE_BODY_BYTES
from storefront.web.security import MAX_BODY_BYTES
from tests.server.clients import Answer, Client, chunked, request
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
        said = running.log.read_text()
        assert "Traceback" not in said and '"ERROR"' not in said


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    with ExitStack() as stack:

        def connect() -> Client:
            client = Client(server)
            stack.callback(client.socket.close)
            return client

        yield connect


def is_problem(answer: Answer, status: int) -> bool:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    problem = json.loads(answer.body)
    return problem["status"] == status and {"type", "title", "detail"} <= problem.keys()


def test_a_connection_serves_many_requests_also_sent_at_once(connect: Connect) -> None:
    client = connect()
    paths = [f"{API}/products/{name}" for name in ("beans", "cup", "nothing")]
    for path in paths:
        client.send(request("GET", path))
        assert client.answer().headers["connection"] == "keep-alive"
    cart = json.dumps({"items": [{"product_id": "beans", "quantity": 2}]}).encode()
    order = request("POST", f"{API}/carts", JSON, f"Content-Length: {len(cart)}", body=cart)
    client.send(
        b"".join(request("GET", path) for path in paths) + order + request("GET", "/healthz", "Connection: close")
    )
    answers = [client.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 404, 201, 200]
    assert [json.loads(answer.body)["id"] for answer in answers[:2]] == ["beans", "cup"]
    assert client.is_closed()


def test_a_request_may_arrive_byte_by_byte(connect: Connect) -> None:
    client = connect()
    body = b'{"items": []}'
    for byte in request("POST", f"{API}/carts", JSON, CHUNKED, body=chunked(body, 3)):
        client.send(bytes([byte]))
    assert client.answer().status == 201


def test_an_old_client_is_answered_and_its_connection_closed(connect: Connect) -> None:
    client = connect()
    client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (client.answer().status, client.is_closed()) == (200, True)


def test_a_client_that_has_said_all_gets_its_answer(connect: Connect) -> None:
    client = connect()
    client.send(request("GET", "/t/north/"))
    client.socket.shutdown(1)
    assert client.answer().status == 200


def test_a_client_that_waits_is_told_to_go_on(connect: Connect) -> None:
    client, body = connect(), b'{"items": []}'
    client.send(request("POST", f"{API}/carts", JSON, "Expect: 100-continue", f"Content-Length: {len(body)}"))
    assert client.head() == (100, {})
    client.send(body)
    assert client.answer().status == 201, "and not told again"
    client.send(
        request("POST", f"{API}/carts", JSON, "Expect: 100-continue", f"Content-Length: {MAX_WIRE_BODY_BYTES + 1}")
    )
    assert is_problem(client.answer(), 413), "nor before a body that is refused"
    other = connect()
    other.send(request("POST", f"{API}/carts", "Expect: a miracle", "Content-Length: 5"))
    assert is_problem(other.answer(), 417)


def test_a_chunked_body_is_taken_as_any_other(connect: Connect) -> None:
    client = connect()
    body = json.dumps({"items": [{"product_id": "beans", "quantity": 3}]}).encode()
    client.send(request("POST", f"{API}/carts", JSON, CHUNKED, body=chunked(body, 7)))
    answer = client.answer()
    assert (answer.status, json.loads(answer.body)["items"][0]["quantity"]) == (201, 3)
    client.send(request("POST", "/t/north/cart/items", FORM, CHUNKED, body=chunked(b"product_id=beans")))
    assert client.answer().status == 303
    client.send(request("POST", f"{API}/carts", CHUNKED, body=chunked(b"")))
    assert client.answer().status == 201, "an empty body is none"


def declared(body: bytes) -> tuple[str, bytes]:
    return f"Content-Length: {len(body)}", body


def in_chunks(body: bytes) -> tuple[str, bytes]:
    return CHUNKED, chunked(body)


@pytest.mark.parametrize("send", [declared, in_chunks])
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 1_000_000, 10_000_000])
def test_a_body_over_the_limit_is_refused_however_it_is_sent(
    connect: Connect, send: Callable[[bytes], tuple[str, bytes]], size: int
) -> None:
    """As it is done with, the connection serves on."""
    client = connect()
    text = b'{"items": [], "x": "' + b"x" * (size - 22) + b'"}'
    framing, body = send(text)
    client.send(request("POST", f"{API}/carts", JSON, framing, body=body))
    assert is_problem(client.answer(), 413)
    framing, body = send(b"product_id=beans&quantity=1&x=" + b"x" * (size - 30))
    client.send(request("POST", "/t/north/cart/items", FORM, framing, body=body))
    answer = client.answer()
    assert (answer.status, "set-cookie" in answer.headers) == (413, False), "nothing was put into a cart"
    parts = b'--b\r\nContent-Disposition: form-data; name="product_id"\r\n\r\nbeans\r\n--b\r\n' + b"x" * size
    framing, body = send(parts)
    client.send(
        request("POST", "/t/north/cart/items", "Content-Type: multipart/form-data; boundary=b", framing, body=body)
    )
    assert client.answer().status == 413


@pytest.mark.parametrize("send", [declared, in_chunks])
def test_a_body_of_exactly_the_limit_is_taken(connect: Connect, send: Callable[[bytes], tuple[str, bytes]]) -> None:
    client = connect()
    framing, body = send(b"product_id=beans&x=" + b"x" * (MAX_BODY_BYTES - 19))
    client.send(request("POST", "/t/north/cart/items", FORM, framing, body=body))
    assert client.answer().status == 303


@pytest.mark.parametrize(
    ("path", "media"),
    [(f"{API}/carts", "application/problem+json"), ("/t/north/cart/items", "text/html; charset=utf-8")],
)
def test_what_no_page_would_take_is_refused_before_it_is_read(connect: Connect, path: str, media: str) -> None:
    for framing, body in (
        (f"Content-Length: {MAX_WIRE_BODY_BYTES + 1}", b"x" * 1000),
        (CHUNKED, b"%x\r\nxxx" % (MAX_WIRE_BODY_BYTES + 1)),
        (CHUNKED, b"100000\r\n" + b"x" * 0x100000 + b"\r\nFFFFFFFFFFFFFF\r\n"),
    ):
        client = connect()
        client.send(request("POST", path, framing, body=body))
        answer = client.answer()
        assert (answer.status, answer.headers["content-type"]) == (413, media)
        assert client.is_closed()


MALFORMED = {
    "a long address": (414, b"GET %s/{} HTTP/1.1\r\nHost: a\r\n\r\n".replace(b"{}", b"x" * 5000)),
    "an address without an end": (414, b"GET %s/{}".replace(b"{}", b"x" * 5000)),
    "too many headers": (431, b"GET %s/ HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
    "a large header": (431, b"GET %s/ HTTP/1.1\r\nA: " + b"x" * 9000 + b"\r\n\r\n"),
    "a head without an end": (431, b"GET %s/ HTTP/1.1\r\n" + b"A: b\r\n" * 11_000),
    "a header without a colon": (400, b"GET %s/ HTTP/1.1\r\nAuthorization Bearer secret-word\r\n\r\n"),
    "a control character": (400, b"GET %s/ HTTP/1.1\r\nA: \x00\r\n\r\n"),
    "a bare line feed": (400, b"GET %s/ HTTP/1.1\n"),
    "a space in the address": (400, b"GET %s/a b HTTP/1.1\r\n\r\n"),
    "no version": (400, b"GET %s/\r\n\r\n"),
    "another version": (400, b"GET %s/ HTTP/3.0\r\nHost: a\r\n\r\n"),
    "a strange method": (400, b"get %s/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "two hosts": (400, b"GET %s/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "length and chunks": (
        400,
        b"POST %s/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "a length that is none": (400, b"POST %s/ HTTP/1.1\r\nContent-Length: three\r\n\r\nabc"),
    "a coding besides chunked": (
        501,
        b"POST %s/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ),
    "an unknown coding": (501, b"POST %s/ HTTP/1.1\r\nTransfer-Encoding: rot13\r\n\r\n"),
    "a chunk without a size": (400, b"POST %s/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "a wrong end of a chunk": (400, b"POST %s/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n"),
}
API_ROOTS = (b"/t/north/api/v1", b"/api/v1", b"http://north.localhost/api/v1")
OTHER_ROOTS = (b"/t/north", b"", b"/t/api/products", b"/apidocs")


@pytest.mark.parametrize(("status", "sent"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_a_problem_for_programs_and_a_page_for_others(
    server: Server, connect: Connect, status: int, sent: bytes
) -> None:
    for root in API_ROOTS:
        client = connect()
        client.send(sent.replace(b"%s", root, 1))
        answer = client.answer()
        assert is_problem(answer, status)
        assert client.is_closed()
        assert is_logged(server, answer)
    for root in OTHER_ROOTS:
        client = connect()
        client.send(sent.replace(b"%s", root, 1))
        answer = client.answer()
        assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), root
        assert answer.headers["x-request-id"] in answer.body.decode()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert is_logged(server, answer)
    assert "secret-word" not in server.log.read_text(), "what can't be understood may be anything"


def is_logged(server: Server, answer: Answer) -> bool:
    line = wait_for_line(server, request_id=answer.headers["x-request-id"])
    return (line["logger"], line["status"], line["route"]) == ("storefront.access", answer.status, None)


def test_the_id_that_a_malformed_request_came_with_is_given_back(connect: Connect) -> None:
    for given, returned in (("find-me", True), ("<script>", False), ("x" * 65, False)):
        client = connect()
        client.send(b"GET /a b HTTP/1.1\r\nX-Request-ID: " + given.encode() + b"\r\n\r\n")
        assert (client.answer().headers["x-request-id"] == given) is returned


def test_a_refusal_of_a_head_request_has_no_body(connect: Connect) -> None:
    client = connect()
    client.send(b"HEAD /a b HTTP/1.1\r\n\r\n")
    status, headers = client.head()
    assert (status, int(headers["content-length"]) > 0) == (400, True)
    assert client.is_closed()


def test_refusals_are_counted_among_the_requests(server: Server, connect: Connect) -> None:
    client = connect()
    client.send(b"PATCH /a b HTTP/1.1\r\n\r\n")
    assert client.answer().status == 400
    assert 'storefront_http_requests_total{method="PATCH",route="none",status="400"} 1.0' in server.get("/metrics")[1]


def test_noise_of_any_kind_leaves_it_serving(server: Server, connect: Connect) -> None:
    chance = random.Random(1)
    for _ in range(200):
        client = connect()
        noise = chance.randbytes(chance.randrange(1, 300))
        client.send(noise if chance.random() < 0.5 else b"GET / HTTP/1.1\r\n" + noise)
        client.socket.close()
    assert server.get("/healthz")[0].status == 200
