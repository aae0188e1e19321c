"""Responses are sent in order to slow clients, and no thread waits for more than a bounded part."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront.server.response_output import MAX_UNSENT_BYTES, ResponseOutput

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    server, client = socket.socketpair()
    server.setblocking(False)
    client.settimeout(60)
    with server, client:
        yield server, client


def read(client: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        found += client.recv(65536)
    return bytes(found)


def test_what_is_written_is_sent_when_it_is_flushed(pair: Pair) -> None:
    output = ResponseOutput(pair[0])
    output.sendall(b"head ")
    output.sendall(b"")
    output.sendall(b"body")
    assert (output.unsent_bytes, output.has_sent) == (9, False)
    output.flush()
    assert (output.unsent_bytes, output.has_sent) == (0, True)
    assert pair[1].recv(100) == b"head body"


def test_pieces_and_files_arrive_in_order_while_the_client_reads_slowly(pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(bytes(range(256)) * 4000)
    output = ResponseOutput(pair[0])
    pieces = [str(number).encode() * 1000 for number in range(200)]
    for piece in pieces:
        output.sendall(piece)
    with file.open("rb") as opened:
        output.sendfile(opened, 100, 900_000)
    output.sendall(b"the end")
    expected = b"".join(pieces) + file.read_bytes()[100:900_100] + b"the end"
    assert output.unsent_bytes == len(expected)
    output.flush()
    assert output.unsent_bytes, "the system's buffer is smaller"
    found = b""
    while len(found) < len(expected):
        found += pair[1].recv(50_000)
        output.flush()
    assert found == expected
    assert output.unsent_bytes == 0


def test_only_a_bounded_part_waits_beside_the_thread(pair: Pair) -> None:
    """More than that, and the thread waits until the client has read."""
    output = ResponseOutput(pair[0])
    size = 3 * MAX_UNSENT_BYTES
    output.sendall(b"x" * size)
    reader = threading.Thread(target=read, args=(pair[1], size - MAX_UNSENT_BYTES))
    reader.start()
    output.flush_or_wait()
    reader.join()
    assert output.unsent_bytes <= MAX_UNSENT_BYTES


def test_a_client_that_reads_nothing_is_given_up(pair: Pair) -> None:
    output = ResponseOutput(pair[0], send_timeout=0.05)
    output.sendall(b"x" * 3 * MAX_UNSENT_BYTES)
    with pytest.raises(TimeoutError):
        output.flush_or_wait()


def test_a_file_that_has_become_shorter_breaks_the_connection(pair: Pair, tmp_path: Path) -> None:
    """Its length has been sent already."""
    file = tmp_path / "picture"
    file.write_bytes(b"x" * 100)
    output = ResponseOutput(pair[0])
    with file.open("rb") as opened:
        output.sendfile(opened, 0, 200)
    with pytest.raises(ConnectionError):
        output.flush()
    output.close()


def test_who_takes_the_connection_gets_what_is_unsent(pair: Pair) -> None:
    output = ResponseOutput(pair[0])
    output.sendall(b"x" * 5_000_000)
    output.flush()
    unsent = output.unsent_bytes
    assert output.take_unsent() == b"x" * unsent
    assert output.unsent_bytes == 0
