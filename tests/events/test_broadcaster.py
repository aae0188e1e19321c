"""The SSE broadcaster: readers get all messages, clients that don't read are disconnected."""

import socket
from collections.abc import Iterator

import pytest

from storefront.events import broadcaster as module
from storefront.events.broadcaster import EventBatch, SseBroadcaster, Stream
from tests.servers import wait


@pytest.fixture
def streams() -> Iterator[SseBroadcaster]:
    made = SseBroadcaster(heartbeat_seconds=600)
    yield made
    made.stop()


def opened(streams: SseBroadcaster, seen: int = 0, chunked: bool = False) -> socket.socket:
    """The client's end of a stream of the north."""
    client, server = socket.socketpair()
    client.settimeout(60)
    streams.add(Stream(server, "north", "10.0.0.1", seen, chunked))
    return client


def news(*ids: int, size: int = 1, after: int = 0) -> EventBatch:
    return EventBatch("north", after, ids, [b"%d" % id * size for id in ids])


def test_each_stream_hears_what_it_has_not_heard_and_each_thing_once(streams: SseBroadcaster) -> None:
    with opened(streams) as new, opened(streams, seen=2) as returned, opened(streams, chunked=True) as modern:
        streams.publish(news(1, 2, 3))
        streams.publish(news(2, 3, 4))
        streams.stop()
        assert [b"".join(iter(lambda c=client: c.recv(99), b"")) for client in (new, returned)] == [b"1234", b"34"]  # type: ignore[misc]
        assert b"".join(iter(lambda: modern.recv(99), b"")) == b"3\r\n123\r\n1\r\n4\r\n0\r\n\r\n"


def test_what_the_server_had_not_sent_yet_comes_first(streams: SseBroadcaster) -> None:
    client, server = socket.socketpair()
    with client:
        stream = Stream(server, "north", "10.0.0.1", 0, False)
        stream.pending += b"the rest of the opening, "
        streams.add(stream)
        client.settimeout(60)
        assert client.recv(99) == b"the rest of the opening, ", "at once, not with the first news"
        streams.publish(news(1))
        assert client.recv(99) == b"1"


def test_who_comes_back_while_news_are_read_waits_for_what_it_lacks(streams: SseBroadcaster) -> None:
    """They begin after what it has seen; the next look goes back so far."""
    with opened(streams, seen=3) as there, opened(streams, seen=1) as returned:
        streams.publish(news(4, 5, after=3))
        streams.publish(news(2, 3, 4, 5, after=1))
        streams.stop()
        assert [b"".join(iter(lambda c=client: c.recv(99), b"")) for client in (there, returned)] == [b"45", b"2345"]  # type: ignore[misc]


def test_who_does_not_read_is_hung_up_on_and_who_does_stays(streams: SseBroadcaster) -> None:
    with opened(streams) as idle, opened(streams) as reader:
        for id in range(1, 20):
            streams.publish(news(id, size=module.MAX_PENDING_BYTES // 8))
            heard = 0
            while heard < len(str(id)) * (module.MAX_PENDING_BYTES // 8):
                heard += len(reader.recv(1 << 20))
        wait(lambda: streams._tenant_counts["north"] == 1)
        streams.publish(news(99))
        assert reader.recv(9) == b"99"
        assert streams.tenants_with_streams() == {"north"}
        idle.close()


def test_who_hangs_up_is_forgotten(streams: SseBroadcaster) -> None:
    with opened(streams):
        assert streams.tenants_with_streams() == {"north"}
    wait(lambda: not streams.tenants_with_streams())
    assert not streams._address_counts


def test_silence_is_broken_now_and_then() -> None:
    streams = SseBroadcaster(heartbeat_seconds=0.1)
    with opened(streams) as client:
        for _ in range(2):
            assert client.recv(3) == b":\n\n"
    streams.stop()
