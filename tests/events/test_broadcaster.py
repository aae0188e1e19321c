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


def open_stream(streams: SseBroadcaster, seen: int = 0, chunked: bool = False) -> socket.socket:
    """Add a stream for `north`. Returns the client's socket."""
    client, server = socket.socketpair()
    client.settimeout(60)
    streams.add(Stream(server, "north", "10.0.0.1", seen, chunked))
    return client


def batch(*ids: int, size: int = 1, after: int = 0) -> EventBatch:
    return EventBatch("north", after, ids, [b"%d" % id * size for id in ids])


def test_each_stream_gets_each_new_event_once(streams: SseBroadcaster) -> None:
    with (
        open_stream(streams) as new,
        open_stream(streams, seen=2) as returned,
        open_stream(streams, chunked=True) as modern,
    ):
        streams.publish(batch(1, 2, 3))
        streams.publish(batch(2, 3, 4))
        streams.stop()
        assert [b"".join(iter(lambda c=client: c.recv(99), b"")) for client in (new, returned)] == [b"1234", b"34"]  # type: ignore[misc]
        assert b"".join(iter(lambda: modern.recv(99), b"")) == b"3\r\n123\r\n1\r\n4\r\n0\r\n\r\n"


def test_pending_bytes_are_sent_before_events(streams: SseBroadcaster) -> None:
    client, server = socket.socketpair()
    with client:
        stream = Stream(server, "north", "10.0.0.1", 0, False)
        stream.pending += b"the rest of the opening, "
        streams.add(stream)
        client.settimeout(60)
        assert client.recv(99) == b"the rest of the opening, ", "they were not sent immediately"
        streams.publish(batch(1))
        assert client.recv(99) == b"1"


def test_reconnected_stream_waits_for_a_batch_without_a_gap(streams: SseBroadcaster) -> None:
    """The first batch starts after events that the stream lacks; the next batch starts earlier."""
    with open_stream(streams, seen=3) as kept, open_stream(streams, seen=1) as returned:
        streams.publish(batch(4, 5, after=3))
        streams.publish(batch(2, 3, 4, 5, after=1))
        streams.stop()
        assert [b"".join(iter(lambda c=client: c.recv(99), b"")) for client in (kept, returned)] == [b"45", b"2345"]  # type: ignore[misc]


def test_client_that_does_not_read_is_disconnected(streams: SseBroadcaster) -> None:
    with open_stream(streams) as idle, open_stream(streams) as reader:
        for id in range(1, 20):
            streams.publish(batch(id, size=module.MAX_PENDING_BYTES // 8))
            received = 0
            while received < len(str(id)) * (module.MAX_PENDING_BYTES // 8):
                received += len(reader.recv(1 << 20))
        wait(lambda: streams._tenant_counts["north"] == 1)
        streams.publish(batch(99))
        assert reader.recv(9) == b"99"
        assert streams.tenants_with_streams() == {"north"}
        idle.close()


def test_closed_stream_is_removed(streams: SseBroadcaster) -> None:
    with open_stream(streams):
        assert streams.tenants_with_streams() == {"north"}
    wait(lambda: not streams.tenants_with_streams())
    assert not streams._address_counts


def test_idle_stream_gets_heartbeats() -> None:
    streams = SseBroadcaster(heartbeat_seconds=0.1)
    with open_stream(streams) as client:
        for _ in range(2):
            assert client.recv(3) == b":\n\n"
    streams.stop()
