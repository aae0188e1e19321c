"""The listening sockets of a worker, which it watches for new connections."""

import selectors
from collections.abc import Sequence
from typing import Any


class Listeners:
    """Used by the worker's main thread only. The selector's data of each is its socket."""

    def __init__(self, sockets: Sequence[Any], selector: selectors.BaseSelector) -> None:
        self._sockets, self._selector = sockets, selector

    def watch(self) -> None:
        for listener in self._sockets:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, listener)

    def unwatch(self) -> None:
        for listener in self._sockets:
            self._selector.unregister(listener)

    def close(self) -> None:
        for listener in self._sockets:
            listener.close()
