"""The worker class that serves the shop under gunicorn: only a complete request occupies a thread.

gunicorn's own threaded worker reads a request in the thread that handles it, so as many slow clients as there are
threads stop the shop. Here the main thread reads from all connections without blocking and hands a request to a thread
when its last byte has arrived. The main thread also sends the part of a response that a client reads slowly.
"""

import errno
import logging
import os
import selectors
import signal
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker

from storefront.file_limit import connections_that_fit
from storefront.server.application import run
from storefront.server.connection import (
    LINGER_SECONDS,
    MAX_IGNORED_BYTES,
    STOP_GRACE_SECONDS,
    Connection,
    State,
)
from storefront.server.listeners import Listeners
from storefront.server.refusals import TIMED_OUT, Refused, refusal_of, respond
from storefront.server.request_buffer import CompleteRequest
from storefront.server.response_output import SEND_TIMEOUT_SECONDS
from storefront.server.waiting import WaitingConnections

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RECEIVE_BYTES = 64 * 1024
WARN_EVERY_SECONDS = 60.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NO_ROOM_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
NOTHING_TO_ACCEPT_ERRORS = (errno.EAGAIN, errno.ECONNABORTED, errno.EINTR, errno.EPROTO)
log = logging.getLogger("storefront.server")


class ReadingWorker(Worker):  # type: ignore[misc]
    """Everything except `_handle` runs in the main thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alive: bool
        self._finished: deque[Connection] = deque()
        self._busy = 0
        self._stop_at_once = False
        self._sweep_at = self._warn_at = 0.0
        self.missed_signals: SimpleQueue[int] = SimpleQueue()
        """The signal queue of gunicorn's master, set after the fork: see `post_fork` in hooks.py."""

    # --- the main loop ---

    def init_process(self) -> None:
        self._max_connections = connections_that_fit(self.cfg.worker_connections)
        self._pool = ThreadPoolExecutor(self.cfg.threads, thread_name_prefix="request")
        self._selector = selectors.DefaultSelector()
        self._waiting = WaitingConnections(self._selector)
        super().init_process()

    def run(self) -> None:
        """Serve until a signal to stop, then complete the requests in progress."""
        self._handle_missed_signals()
        self._selector.register(self.PIPE[0], READ)
        listeners = Listeners(self.sockets, self._selector)
        listeners.watch()
        while self.alive and self.ppid == os.getppid():
            self._poll(1.0)
        self.alive = False
        listeners.unwatch()
        self._finish_requests()
        self._waiting.close_all()
        self._pool.shutdown(wait=False)
        listeners.close()

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM. The signal wakes the main loop through gunicorn's pipe."""
        self.alive = False

    def handle_quit(self, sig: int, frame: object) -> None:
        """SIGINT or SIGQUIT: stop without waiting for clients."""
        self.alive = False
        self._stop_at_once = True

    def _handle_missed_signals(self) -> None:
        """Handle the signals that arrived before this process had its own handlers: gunicorn's master queued them."""
        while not self.missed_signals.empty():
            missed = self.missed_signals.get_nowait()
            if missed == signal.SIGTERM:
                self.handle_exit(missed, None)
            elif missed in (signal.SIGINT, signal.SIGQUIT):
                self.handle_quit(missed, None)

    def _finish_requests(self) -> None:
        give_up_at = time.monotonic() + self.cfg.graceful_timeout
        deadlines_shortened = False
        self._waiting.shorten_deadlines(STOP_GRACE_SECONDS)
        while (self._waiting or self._busy) and time.monotonic() < give_up_at:
            if self._stop_at_once and not deadlines_shortened:
                deadlines_shortened = True
                self._waiting.shorten_deadlines(0.0)
                self.cfg.worker_int(self)
            self._sweep_at = 0.0
            self._poll(0.1)

    def _poll(self, seconds: float) -> None:
        """Wait for events for at most `seconds` and handle each."""
        self.notify()
        for key, events in self._selector.select(seconds):
            if isinstance(key.data, Connection):
                self._dispatch(key.data, events)
            elif key.data is not None:
                self._accept(key.data)
            else:
                with suppress(BlockingIOError):
                    os.read(self.PIPE[0], 4096)
        while self._finished:
            self._finish(self._finished.popleft())
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + 1.0
            for connection in self._waiting.expired():
                self._expire(connection)
            self._waiting.close_above_size_limit()

    def _dispatch(self, connection: Connection, events: int) -> None:
        if connection.state is State.READING:
            self._read(connection)
        elif connection.state is State.SENDING and events & WRITE:
            self._send(connection)
        elif connection.state is State.LINGERING:
            self._discard_input(connection)
        elif connection.state is State.BUSY:
            self._waiting.watch(connection, 0)  # more data, or a disconnect: handled when its request is finished

    # --- accepting ---

    def _accept(self, listener: Any) -> None:
        """Accept one connection, so that simultaneous connections are distributed over the processes."""
        try:
            client, peer = listener.accept()
        except OSError as fault:
            if fault.errno in NO_ROOM_ERRORS:
                self._close_oldest_connection("the system can't accept another connection")
            elif fault.errno not in NOTHING_TO_ACCEPT_ERRORS:
                raise
            return
        if len(self._waiting) + self._busy >= self._max_connections:
            self._close_oldest_connection("this process has reached its connection limit")
        client.setblocking(False)
        self._waiting.add(Connection(self.cfg, client, peer, listener.getsockname()), READ)

    def _close_oldest_connection(self, reason: str) -> None:
        """Close the connection that has been idle longest, so that a client that sends its request at once is
        served."""
        if time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + WARN_EVERY_SECONDS
            log.warning("%s; closing the connections that have been idle longest", reason)
        if not self._waiting.close_oldest():
            time.sleep(0.01)  # all have a request in progress

    def _expire(self, connection: Connection) -> None:
        if connection.state is State.READING and not connection.buffer.is_empty and self.alive:
            self._refuse(connection, TIMED_OUT, "the client is too slow")
        else:
            self._waiting.close(connection)

    # --- reading ---

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            connection.buffer.feed(data)
            self._advance(connection)
        else:
            self._waiting.close(connection)

    def _advance(self, connection: Connection) -> None:
        """Hand the request to the thread pool if it is complete."""
        try:
            request = connection.buffer.next_request()
        except Exception as fault:
            if not isinstance(fault, ParseException):
                log.exception("could not read or buffer a request")
            self._refuse(connection, refusal_of(fault), type(fault).__name__)
            return
        if request is None:
            if self.alive:  # during shutdown the worker's deadline applies
                connection.note_arrival()
            self._send_continue(connection)
            return
        self._waiting.take(connection)
        connection.state = State.BUSY
        self._busy += 1
        self._pool.submit(self._handle, connection, request)

    def _send_continue(self, connection: Connection) -> None:
        if connection.buffer.expects_continue:
            connection.buffer.expects_continue = False
            connection.output.sendall(CONTINUE)
            with suppress(OSError):  # the next read reports the error
                connection.output.flush()

    def _refuse(self, connection: Connection, refused: Refused, cause: str) -> None:
        seconds = connection.seconds_since_request_began()
        connection.output.sendall(respond(refused, connection.buffer.start, seconds, cause))
        connection.buffer.close()
        connection.keep_alive = False
        self._send(connection)

    # --- responding ---

    def _handle(self, connection: Connection, request: CompleteRequest) -> None:
        """Run the app in a pool thread, and always hand the connection back to the main thread."""
        try:
            self.nr += 1
            if self.nr >= self.max_requests:
                self.alive = False
            run(self.wsgi, self.cfg, connection, request, is_last=not self.alive or not self.cfg.keepalive)
        finally:
            self._finished.append(connection)
            with suppress(BlockingIOError):  # the pipe is full, so the main thread wakes up anyway
                os.write(self.PIPE[1], b".")

    def _finish(self, connection: Connection) -> None:
        """Continue with a connection whose request a thread has handled."""
        self._busy -= 1
        if connection.take_over is not None:
            self._waiting.watch(connection, 0)
            connection.give_away()
        else:
            self._send(connection)

    def _send(self, connection: Connection) -> None:
        """Send more; when everything is sent, wait for the next request or for the client to close."""
        before = connection.output.unsent_bytes
        try:
            connection.output.flush()
        except OSError:
            self._waiting.close(connection)
            return
        if connection.output.unsent_bytes:
            is_new = connection.state is not State.SENDING
            if is_new or (self.alive and connection.output.unsent_bytes < before):
                self._wait_for(connection, State.SENDING, SEND_TIMEOUT_SECONDS, WRITE)
        elif connection.keep_alive and not self._stop_at_once:
            self._wait_for(connection, State.READING, self.cfg.keepalive, READ)
            if not connection.buffer.is_empty:
                self._advance(connection)
        else:
            self._linger(connection)

    def _wait_for(self, connection: Connection, state: State, seconds: float, events: int) -> None:
        connection.begin_waiting(state, seconds if self.alive else min(seconds, STOP_GRACE_SECONDS))
        self._waiting.add(connection, events)

    def _linger(self, connection: Connection) -> None:
        """Wait a moment for the client to close its end (lingering close). Otherwise data that it still sends would
        reset the connection and lose the end of the response."""
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._waiting.close(connection)
            return
        self._wait_for(connection, State.LINGERING, LINGER_SECONDS, READ)
        self._discard_input(connection)

    def _discard_input(self, connection: Connection) -> None:
        try:
            sent = len(connection.socket.recv(RECEIVE_BYTES))
        except BlockingIOError:
            return
        except OSError:
            sent = 0
        connection.ignored_bytes += sent
        if not sent or connection.ignored_bytes > MAX_IGNORED_BYTES:
            self._waiting.close(connection)
