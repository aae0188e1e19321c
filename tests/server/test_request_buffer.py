"""Requests are buffered as gunicorn would parse them, however their bytes arrive: no request smuggling."""

import random
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from storefront.server.request_buffer import MAX_BODY_BYTES_IN_MEMORY, BodyTooLarge, RequestBuffer

CFG = Config()
PEER = ("127.0.0.1", 1)
ParsedRequest = tuple[str, str, list[tuple[str, str]], bytes]


def read_by_gunicorn(stream: bytes) -> list[ParsedRequest]:
    """Return the complete requests that gunicorn's own worker would parse from a connection."""
    parser, found = RequestParser(CFG, [stream], PEER), []
    try:
        for message in parser:
            declared = [int(value) for name, value in message.headers if name == "CONTENT-LENGTH"]
            body = message.body.read()
            if declared and len(body) < declared[0]:
                break  # the client disconnected; gunicorn leaves this to the app
            found.append((message.method, message.uri, message.headers, body))
    except (ParseException, NoMoreData, StopIteration):
        pass
    return found


def read_by_buffer(chunks: list[bytes]) -> list[ParsedRequest]:
    buffer, found = RequestBuffer(CFG, PEER), []
    try:
        for chunk in chunks:
            buffer.feed(chunk)
            while request := buffer.next_request():
                message = request.message
                with request.body as body:
                    found.append((message.method, message.uri, message.headers, body.read()))
                if message.should_close():
                    return found
    except ParseException:
        pass
    finally:
        buffer.close()
    return found


def split(stream: bytes, seed: int) -> list[bytes]:
    """Split the stream into chunks of random sizes, many of one byte."""
    rng, chunks = random.Random(seed), []
    while stream:
        size = rng.choice((1, 1, 2, 3, 7, 20, 1000))
        chunks.append(stream[:size])
        stream = stream[size:]
    return chunks


def one_of(*choices: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from(choices)


LINE_END = one_of(*[b"\r\n"] * 60, b"\n", b"\r", b"\n\r", b"\r\r\n", b"")
VALID_HEADER = one_of(
    *(b"Host: a", b"X: y", b"X: \xe9", b"Content-Type: a", b"Expect: 100-continue", b"Connection: keep-alive", b"X-Y:"),
    *[b"Content-Length: 3", b"Content-Length: 10", b"Transfer-Encoding: chunked", b"transfer-encoding:\tChunked"] * 3,
)
SUSPICIOUS_HEADER = one_of(
    *(b"X:", b": x", b"X : y", b" folded", b"\tfolded", b"X: \x00", b"X: a\nb", b"X_Y: z", b"Expect: x", b"Host: b"),
    *(
        b"Connection: close",
        b"Content-Length: +3",
        b"Content-Length: -1",
        b"Content-Length: 3, 3",
        b"content-length:3 ",
    ),
    *(b"Content-Length: 0x3", b"Content-Length: \xb2", b"Content-Length:", b"Content_Length: 4", b"Content-Length : 3"),
    *(b"Content-Length: 1_0", b"Content-Length: 03", b"Content-Length: 0", b"Transfer-Encoding: chunked, chunked"),
    *(b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, identity"),
    *(b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked"),
    *(b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: x", b"Transfer-Encoding:\x0cchunked"),
)
REQUEST_LINE = one_of(
    *[b"GET /a HTTP/1.1", b"POST /b?c HTTP/1.1", b"PUT /c HTTP/1.1"] * 8,
    *(b"POST /b HTTP/1.0", b"get / HTTP/1.1", b"GET  / HTTP/1.1", b"GET /", b"GET http://a/b HTTP/1.1", b"", b"\r\n"),
    *(b"OPTIONS * HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"GET / HTTP/2.0", b"GET /\x00 HTTP/1.1"),
)
VALID_BODY = one_of(
    *(
        b"",
        b"abc",
        b"0123456789",
        b"0\r\n\r\n",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
    ),
)
SUSPICIOUS_BODY = st.lists(
    one_of(
        *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n", b"3\r\nabcd\r\n", b'3;x="a\rb"\r\nabc\r\n', b"3 ;x\r\nabc\r\n"),
        *(b"03\r\nabc\r\n", b"0x3\r\nabc\r\n", b"-1\r\n", b"3\nabc\r\n", b"3\r\nabc\n", b"0\r\nHost: x\r\n\r\n"),
        *(
            b"0\r\nbad trailer\r\n\r\n",
            b"0\r\nA: b\n\r\n\r\n",
            b"00\r\n\r\n",
            b"\r\n",
            b"GET /smuggled HTTP/1.1\r\n\r\n",
        ),
    ),
    max_size=4,
).map(b"".join)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A few requests on one connection, most of them valid or nearly valid."""
    stream = b""
    for _ in range(draw(st.integers(1, 4))):
        suspicious = draw(st.integers(0, 3)) == 0
        header = st.one_of(VALID_HEADER, SUSPICIOUS_HEADER) if suspicious else VALID_HEADER
        body = st.one_of(VALID_BODY, SUSPICIOUS_BODY) if suspicious else VALID_BODY
        stream += draw(one_of(b"", b"\r\n", b"\r\n\r\n", b"\n")) if suspicious else b""
        for line in (draw(REQUEST_LINE), *draw(st.lists(header, max_size=3))):
            stream += line + (draw(LINE_END) if suspicious else b"\r\n")
        stream += b"\r\n" + draw(body)
    return stream


PIPELINED = one_of(
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;q\r\nde\r\n0\r\nT: u\r\n\r\n",
)


@given(streams(), st.integers(0, 2**32))
def test_buffer_splits_a_stream_into_the_same_requests_as_gunicorn(stream: bytes, seed: int) -> None:
    expected = read_by_gunicorn(stream)
    assert read_by_buffer([stream]) == expected
    assert read_by_buffer(split(stream, seed)) == expected


@given(st.lists(PIPELINED, min_size=1, max_size=6), st.integers(0, 2**32))
def test_pipelined_requests_are_returned_one_by_one(requests: list[bytes], seed: int) -> None:
    stream = b"".join(requests)
    found = read_by_buffer(split(stream, seed))
    assert len(found) == len(requests)
    assert found == read_by_gunicorn(stream)


def feed(*chunks: bytes, **options: Any) -> RequestBuffer:
    """Return a buffer with these bytes of an incomplete request. Raises if the buffer refuses them."""
    buffer = RequestBuffer(CFG, PEER, **options)
    try:
        for chunk in chunks:
            buffer.feed(chunk)
            assert buffer.next_request() is None
    except ParseException:
        buffer.close()
        raise
    return buffer


AMBIGUOUS = {
    "length and chunked": b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4",
    "repeated length": b"Content-Length: 3\r\nContent-Length: 3",
    "a list of lengths": b"Content-Length: 3, 3",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "not chunked at the end": b"Transfer-Encoding: chunked, gzip",
    "not chunked at all": b"Transfer-Encoding: identity",
    "a space before the colon": b"Content-Length : 3",
    "a folded line": b"Transfer-Encoding:\r\n chunked",
}


@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_request_with_ambiguous_length_is_refused_before_its_body(headers: bytes) -> None:
    buffer = RequestBuffer(CFG, PEER)
    buffer.feed(b"POST / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n")
    with pytest.raises(ParseException):
        buffer.next_request()
    assert buffer.start.startswith(b"POST / "), "the request line is lost"


def test_too_long_line_or_head_is_refused_while_it_arrives() -> None:
    with pytest.raises(LimitRequestLine):
        feed(b"GET /" + b"x" * 5000)
    with pytest.raises(LimitRequestHeaders):
        feed(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 11_000)
    with pytest.raises(LimitRequestHeaders):
        feed(*[b"GET / HTTP/1.1\r\n", *[b"A: " + b"x" * 1000 + b"\r\n"] * 70])


def test_bare_line_feed_is_refused_while_the_head_arrives() -> None:
    for chunks in ([b"GET / HTTP/1.1\n"], [b"GET / HTTP/1.1\r\nHost: a", b"\n"], [b"\n"]):
        with pytest.raises(ParseException):
            feed(*chunks)
    feed(b"GET / HTTP/1.1\r", b"\n", b"Host: a\r", b"\nX: y\r\n", b"\r")


CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LARGE = {
    "a declared length": [b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"],
    "one chunk": [CHUNKED + b"3E9\r\n"],
    "an absurd chunk": [CHUNKED + b"F" * 300 + b"\r\n"],
    "many chunks": [CHUNKED, *[b"64\r\n" + b"x" * 100 + b"\r\n"] * 11],
    "chunks of one byte": [CHUNKED, *[b"1\r\nx\r\n"] * 200],
    "long extensions": [CHUNKED, *[b"1;" + b"x" * 300 + b"\r\nx\r\n"] * 4],
}


@pytest.mark.parametrize("chunks", TOO_LARGE.values(), ids=TOO_LARGE)
def test_body_is_refused_as_soon_as_it_is_too_large(chunks: list[bytes]) -> None:
    with pytest.raises(BodyTooLarge):
        feed(*chunks, max_body_bytes=1000)


def test_body_of_exactly_the_limit_is_accepted() -> None:
    buffer = RequestBuffer(CFG, PEER, max_body_bytes=1000)
    buffer.feed(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
    request = buffer.next_request()
    assert request and (request.body_bytes, request.body.read()) == (1000, b"x" * 1000)
    assert buffer.is_empty and buffer.held_bytes == 0


def test_endless_chunk_size_line_or_trailer_is_refused() -> None:
    for part in (b"1;" + b"x" * 9000, b"0\r\n" + b"A: b\r\n" * 6000):
        with pytest.raises(ParseException):
            feed(CHUNKED + part)


def test_large_body_is_buffered_in_a_file() -> None:
    content = random.Random(1).randbytes(3 * MAX_BODY_BYTES_IN_MEMORY)
    buffer = RequestBuffer(CFG, PEER)
    buffer.feed(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(content))
    for i in range(0, len(content), 60_000):
        assert buffer.next_request() is None
        buffer.feed(content[i : i + 60_000])
    request = buffer.next_request()
    assert request and request.body.read() == content
    assert request.body.fileno() >= 0, "an in-memory body has no descriptor"
    request.body.close()


def test_continue_is_expected_only_before_the_body() -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    buffer = feed(head)
    assert buffer.expects_continue
    buffer.feed(b"abc")
    request = buffer.next_request()
    assert request and not buffer.expects_continue
    buffer.feed(head + b"abc")
    assert buffer.next_request() and not buffer.expects_continue
    old = feed(head.replace(b"1.1", b"1.0"))
    assert not old.expects_continue, "HTTP/1.0 has no 100 Continue"


def test_empty_line_between_requests_is_ignored() -> None:
    buffer = feed(b"\r\n")
    assert buffer.is_empty
    buffer.feed(b"G")
    assert not buffer.is_empty
