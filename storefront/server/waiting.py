"""The connections of a worker that wait for their clients: watching them, and closing them by age, deadline or size."""

import selectors
import time
from collections.abc import Iterator

from storefront.server.connection import STOP_GRACE_SECONDS, Connection, State

MAX_HELD_BYTES = 128 * 1024 * 1024
"""Limit of all buffered bodies and responses of a process; above it the oldest connections are closed."""
MIN_HELD_BYTES = 64 * 1024
"""Connections that hold less are not closed for that reason."""


class WaitingConnections:
    """Ordered by age, oldest first. Used by the worker's main thread only."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._connections: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection, events: int) -> None:
        """Watch the connection for these selector events until its deadline."""
        self._connections.pop(connection, None)
        self._connections[connection] = None
        self.watch(connection, events)

    def take(self, connection: Connection) -> None:
        """Remove a connection whose request a thread handles. Its socket stays watched: usually nothing arrives
        meanwhile."""
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
        """Close the connection that has waited longest. Return False if there is none."""
        for connection in self._connections:
            self.close(connection)
            return True
        return False

    def close_all(self) -> None:
        for connection in list(self._connections):
            self.close(connection)

    def expired(self) -> Iterator[Connection]:
        """Yield the connections past their deadline. The caller may close them."""
        now = time.monotonic()
        return (connection for connection in list(self._connections) if connection.deadline <= now)

    def close_above_size_limit(self) -> None:
        held = {connection: connection.held_bytes for connection in self._connections}
        total = sum(held.values())
        for connection, size in held.items():
            if total <= MAX_HELD_BYTES:
                return
            if size > MIN_HELD_BYTES:
                self.close(connection)
                total -= size

    def shorten_deadlines(self, seconds: float) -> None:
        """For shutdown: limit all deadlines to `seconds` from now, and a little more for clients that read a
        response."""
        latest = time.monotonic() + seconds
        for connection in self._connections:
            more = STOP_GRACE_SECONDS if connection.state is State.SENDING else 0.0
            connection.deadline = min(connection.deadline, latest + more)
