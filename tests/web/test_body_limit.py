"""A body above the limit is refused and never used partially, with the test client and with Flask's server."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from storefront.web.security import MAX_BODY_BYTES
from tests.conftest import Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database is not involved
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def form(size: int) -> bytes:
    return b"product_id=beans&x=" + b"x" * (size - 19)


def json_body(size: int) -> bytes:
    return b'{"items": []}' + b" " * (size - 13)


def multipart_body(size: int) -> bytes:
    start = b'--b\r\nContent-Disposition: form-data; name="product_id"\r\n\r\nbeans\r\n--b\r\n'
    start += b'Content-Disposition: form-data; name="x"; filename="x"\r\n\r\n'
    end = b"\r\n--b--\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


BODY_TYPES = {
    "form": ("/cart/items", FORM, form, 303),
    "multipart": ("/cart/items", MULTIPART, multipart_body, 303),
    "json": ("/api/v1/carts", "application/json", json_body, 201),
}


class SlowStream(BytesIO):
    """A stream that returns at most 1000 bytes at a time, like one from a network."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 1000) if size and size > 0 else size)


def send(person: Person, path: str, content_type: str, body: bytes, chunked: bool) -> TestResponse:
    options: dict[str, Any] = {"content_type": content_type}
    if not chunked:
        return person.client.post(f"/t/north{path}", data=body, **options)
    return person.client.post(
        f"/t/north{path}",
        input_stream=SlowStream(body),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
        **options,
    )


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
@pytest.mark.parametrize(("path", "content_type", "make", "accepted_status"), BODY_TYPES.values(), ids=BODY_TYPES)
def test_limit_applies_to_the_received_bytes(
    shopper: Person, path: str, content_type: str, make: Any, accepted_status: int, chunked: bool
) -> None:
    assert send(shopper, path, content_type, make(MAX_BODY_BYTES + 1), chunked).status_code == 413
    large = send(shopper, path, content_type, make(3 * MAX_BODY_BYTES), chunked)
    assert (large.status_code, "Set-Cookie" in large.headers) == (413, False)
    assert large.mimetype == ("application/problem+json" if "api" in path else "text/html")
    assert "Your cart is empty" in shopper.get("/cart").text
    assert send(shopper, path, content_type, make(MAX_BODY_BYTES), chunked).status_code == accepted_status
    assert send(shopper, path, content_type, make(1000), chunked).status_code == accepted_status


@pytest.fixture
def dev_server(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
@pytest.mark.parametrize(("path", "content_type", "make", "accepted_status"), BODY_TYPES.values(), ids=BODY_TYPES)
def test_limit_applies_with_flasks_server_too(
    dev_server: int, path: str, content_type: str, make: Any, accepted_status: int, chunked: bool
) -> None:
    for size, status in ((MAX_BODY_BYTES + 1, 413), (MAX_BODY_BYTES, accepted_status), (1000, accepted_status)):
        with closing(http.client.HTTPConnection("127.0.0.1", dev_server, timeout=30)) as connection:
            body = make(size)
            framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
            payload = iter([body[i : i + 50_000] for i in range(0, size, 50_000)]) if chunked else body
            headers = {"Content-Type": content_type, **framing}
            connection.request("POST", f"/t/north{path}", payload, headers, encode_chunked=chunked)
            assert connection.getresponse().status == status
