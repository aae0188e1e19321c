"""The connections of a worker that wait for their clients, and what is done about those that wait too long."""

import selectors
import time
from collections.abc import Iterator

from storefront.server.connection import STOP_GRACE_SECONDS, Connection, State

MAX_HELD_BYTES = 128 * 1024 * 1024
"""What all unfinished bodies and unread responses of a process may take; past it the oldest connections are closed."""
MIN_HELD_BYTES = 64 * 1024
"""A connection that holds less is not worth closing for that."""


class WaitingConnections:
    """The oldest first. Only the worker's main thread uses it."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._connections: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection, events: int) -> None:
        """Wait for these events of a connection until its deadline."""
        self._connections.pop(connection, None)
        self._connections[connection] = None
        self.watch(connection, events)

    def take(self, connection: Connection) -> None:
        """A thread has this connection's request. Its socket is watched on: as a rule nothing comes meanwhile."""
        del self._connections[connection]

    def watch(self, connection: Connection, events: int) -> None:
        if events == connection.watched:
            return
        if not connection.watched:
            self._selector.register(connection.socket, events, connection)
        elif events:
            self._selector.modify(connection.socket, events, connection)
        else:
            self._selector.unregister(connection.socket)
        connection.watched = events

    def close(self, connection: Connection) -> None:
        self.watch(connection, 0)
        self._connections.pop(connection, None)
        connection.close()

    def close_oldest(self) -> bool:
        """Close the connection that has waited longest; False when none waits."""
        for connection in self._connections:
            self.close(connection)
            return True
        return False

    def close_all(self) -> None:
        for connection in list(self._connections):
            self.close(connection)

    def expired(self) -> Iterator[Connection]:
        """Those whose deadline has passed. They may be closed meanwhile."""
        now = time.monotonic()
        return (connection for connection in list(self._connections) if connection.deadline <= now)

    def close_what_holds_too_much(self) -> None:
        held = {connection: connection.held_bytes for connection in self._connections}
        total = sum(held.values())
        for connection, size in held.items():
            if total <= MAX_HELD_BYTES:
                return
            if size > MIN_HELD_BYTES:
                self.close(connection)
                total -= size

    def shorten_deadlines(self, seconds: float) -> None:
        """The worker stops: wait so long at most, and a little more for clients that read a response."""
        latest = time.monotonic() + seconds
        for connection in self._connections:
            more = STOP_GRACE_SECONDS if connection.state is State.SENDING else 0.0
            connection.deadline = min(connection.deadline, latest + more)
