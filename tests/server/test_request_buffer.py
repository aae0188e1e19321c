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
Seen = tuple[str, str, list[tuple[str, str]], bytes]


def read_by_gunicorn(stream: bytes) -> list[Seen]:
    """The complete requests of a connection up to one that ends it, as gunicorn's own worker would have them."""
    parser, found = RequestParser(CFG, [stream], PEER), []
    try:
        for message in parser:
            declared = [int(value) for name, value in message.headers if name == "CONTENT-LENGTH"]
            body = message.body.read()
            if declared and len(body) < declared[0]:
                break  # the client has gone before the end, which gunicorn leaves to the app
            found.append((message.method, message.uri, message.headers, body))
    except (ParseException, NoMoreData, StopIteration):
        pass
    return found


def read_by_buffer(pieces: list[bytes]) -> list[Seen]:
    buffer, found = RequestBuffer(CFG, PEER), []
    try:
        for piece in pieces:
            buffer.feed(piece)
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


def cut(stream: bytes, seed: int) -> list[bytes]:
    """The stream in pieces of any size, many of one byte."""
    chance, pieces = random.Random(seed), []
    while stream:
        size = chance.choice((1, 1, 2, 3, 7, 20, 1000))
        pieces.append(stream[:size])
        stream = stream[size:]
    return pieces


def one_of(*choices: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from(choices)


LINE_END = one_of(*[b"\r\n"] * 60, b"\n", b"\r", b"\n\r", b"\r\r\n", b"")
GOOD_HEADER = one_of(
    *(b"Host: a", b"X: y", b"X: \xe9", b"Content-Type: a", b"Expect: 100-continue", b"Connection: keep-alive", b"X-Y:"),
    *[b"Content-Length: 3", b"Content-Length: 10", b"Transfer-Encoding: chunked", b"transfer-encoding:\tChunked"] * 3,
)
DOUBTFUL_HEADER = one_of(
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
GOOD_BODY = one_of(
    *(
        b"",
        b"abc",
        b"0123456789",
        b"0\r\n\r\n",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
    ),
)
DOUBTFUL_BODY = st.lists(
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
    """A few requests on one connection; most are right, or nearly so."""
    stream = b""
    for _ in range(draw(st.integers(1, 4))):
        doubtful = draw(st.integers(0, 3)) == 0
        header = st.one_of(GOOD_HEADER, DOUBTFUL_HEADER) if doubtful else GOOD_HEADER
        body = st.one_of(GOOD_BODY, DOUBTFUL_BODY) if doubtful else GOOD_BODY
        stream += draw(one_of(b"", b"\r\n", b"\r\n\r\n", b"\n")) if doubtful else b""
        for line in (draw(REQUEST_LINE), *draw(st.lists(header, max_size=3))):
            stream += line + (draw(LINE_END) if doubtful else b"\r\n")
        stream += b"\r\n" + draw(body)
    return stream


PIPELINED = one_of(
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;q\r\nde\r\n0\r\nT: u\r\n\r\n",
)


@given(streams(), st.integers(0, 2**32))
def test_what_is_one_request_here_is_one_for_gunicorn(stream: bytes, seed: int) -> None:
    expected = read_by_gunicorn(stream)
    assert read_by_buffer([stream]) == expected
    assert read_by_buffer(cut(stream, seed)) == expected


@given(st.lists(PIPELINED, min_size=1, max_size=6), st.integers(0, 2**32))
def test_pipelined_requests_come_out_one_by_one(requests: list[bytes], seed: int) -> None:
    stream = b"".join(requests)
    found = read_by_buffer(cut(stream, seed))
    assert len(found) == len(requests)
    assert found == read_by_gunicorn(stream)


def feed(*pieces: bytes, **options: Any) -> RequestBuffer:
    """A buffer with these bytes of an unfinished request; closed when it refuses them."""
    buffer = RequestBuffer(CFG, PEER, **options)
    try:
        for piece in pieces:
            buffer.feed(piece)
            assert buffer.next_request() is None
    except ParseException:
        buffer.close()
        raise
    return buffer


AMBIGUOUS = {
    "length and chunked": b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4",
    "the same length twice": b"Content-Length: 3\r\nContent-Length: 3",
    "a list of lengths": b"Content-Length: 3, 3",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "not chunked at the end": b"Transfer-Encoding: chunked, gzip",
    "not chunked at all": b"Transfer-Encoding: identity",
    "a space before the colon": b"Content-Length : 3",
    "a folded line": b"Transfer-Encoding:\r\n chunked",
}


@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_request_whose_end_is_ambiguous_is_refused_before_its_body(headers: bytes) -> None:
    buffer = RequestBuffer(CFG, PEER)
    buffer.feed(b"POST / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n")
    with pytest.raises(ParseException):
        buffer.next_request()
    assert buffer.start.startswith(b"POST / "), "what it was is still known"


def test_a_line_or_a_head_that_is_too_long_is_refused_while_it_arrives() -> None:
    with pytest.raises(LimitRequestLine):
        feed(b"GET /" + b"x" * 5000)
    with pytest.raises(LimitRequestHeaders):
        feed(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 11_000)
    with pytest.raises(LimitRequestHeaders):
        feed(*[b"GET / HTTP/1.1\r\n", *[b"A: " + b"x" * 1000 + b"\r\n"] * 70])


def test_a_bare_line_feed_is_refused_while_the_head_arrives() -> None:
    for pieces in ([b"GET / HTTP/1.1\n"], [b"GET / HTTP/1.1\r\nHost: a", b"\n"], [b"\n"]):
        with pytest.raises(ParseException):
            feed(*pieces)
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


@pytest.mark.parametrize("pieces", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_body_is_refused_as_soon_as_it_is_too_large_on_the_wire(pieces: list[bytes]) -> None:
    with pytest.raises(BodyTooLarge):
        feed(*pieces, max_body_bytes=1000)


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    buffer = RequestBuffer(CFG, PEER, max_body_bytes=1000)
    buffer.feed(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
    request = buffer.next_request()
    assert request and (request.body_bytes, request.body.read()) == (1000, b"x" * 1000)
    assert buffer.is_empty and buffer.held_bytes == 0


def test_an_endless_chunk_size_line_or_trailer_is_refused() -> None:
    for part in (b"1;" + b"x" * 9000, b"0\r\n" + b"A: b\r\n" * 6000):
        with pytest.raises(ParseException):
            feed(CHUNKED + part)


def test_a_large_body_is_kept_in_a_file_and_comes_out_whole() -> None:
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


def test_the_client_is_told_once_to_go_on_and_only_if_it_waits() -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    buffer = feed(head)
    assert buffer.expects_continue
    buffer.feed(b"abc")
    request = buffer.next_request()
    assert request and not buffer.expects_continue
    buffer.feed(head + b"abc")
    assert buffer.next_request() and not buffer.expects_continue
    old = feed(head.replace(b"1.1", b"1.0"))
    assert not old.expects_continue, "an HTTP/1.0 client doesn't know that answer"


def test_an_empty_line_between_requests_is_no_request() -> None:
    buffer = feed(b"\r\n")
    assert buffer.is_empty
    buffer.feed(b"G")
    assert not buffer.is_empty
