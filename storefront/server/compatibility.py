"""Checks at the start that the installed gunicorn and its settings are compatible with the worker class."""

from io import BytesIO
from typing import Any

import gunicorn
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.workers.base import Worker

from storefront.server.request_buffer import RequestBuffer

PROBES = (
    b"POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\n",
)
WORKER_METHODS = ("notify", "init_process", "handle_quit", "handle_exit", "run")
UNSUPPORTED = {
    "is_ssl": (None, "serve HTTPS (certfile, keyfile): put a proxy in front that does"),
    "proxy_protocol": ("off", "read the PROXY protocol (proxy_protocol): have the proxy set X-Forwarded-For"),
    "protocol": ("http", "use uwsgi (protocol): have the proxy use HTTP/1.1"),
}


class Incompatible(Exception):
    """The server can't start; the message is a sentence for the operator."""


def check(master: Any) -> None:
    """Raise `Incompatible` if the worker doesn't support the installed gunicorn or its settings. `master` is gunicorn's
    `Arbiter`."""
    check_settings(master.cfg)
    try:
        master.SIG_QUEUE.empty()
        for probe in PROBES:
            check_probe(probe)
        missing = [name for name in WORKER_METHODS if not callable(getattr(Worker, name, None))]
        if missing or not hasattr(Worker, "PIPE"):
            raise AttributeError(f"Worker lacks {missing or 'PIPE'}")
    except Exception as fault:
        raise Incompatible(
            f"gunicorn {gunicorn.__version__} is not compatible with storefront/server "
            f"({type(fault).__name__}: {fault}); install the version in requirements.txt."
        ) from fault


def check_settings(cfg: Config) -> None:
    for name, (supported, what) in UNSUPPORTED.items():
        if (getattr(cfg, name, None) or None) not in (None, supported):
            raise Incompatible(f"it can't {what}.")


class Recorder:
    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def check_probe(probe: bytes) -> None:
    """Pass a request through all parts of gunicorn that the worker uses. Raises `ValueError` or the error that
    occurs."""
    cfg: Any = Config()
    buffer = RequestBuffer(cfg, ("127.0.0.1", 1))
    buffer.feed(probe)
    request = buffer.next_request()
    if request is None:
        raise ValueError("the end of a request was not found")
    with request.body as body:
        if body.read() != b"hello" or not buffer.is_empty:
            raise ValueError("a request was read incorrectly")
    output = Recorder()
    response, environ = wsgi.create(request.message, output, ("127.0.0.1", 1), ("127.0.0.1", 2), cfg)
    environ["wsgi.input"] = BytesIO()
    expected = {"REQUEST_METHOD": "POST", "PATH_INFO": "/a", "QUERY_STRING": "b=c", "REMOTE_ADDR": "127.0.0.1"}
    if any(environ.get(name) != value for name, value in expected.items()):
        raise ValueError("the WSGI environ is incorrect")
    response.start_response("200 OK", [("Content-Length", "2")])
    response.write(b"ok")
    response.close()
    if not output.sent.startswith(b"HTTP/1.1 200 OK\r\n") or not output.sent.endswith(b"\r\n\r\nok"):
        raise ValueError("a response was written incorrectly")
    if response.should_close() or not callable(response.force_close):
        raise ValueError("a connection was not kept alive")
