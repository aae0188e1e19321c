"""Checks at the start that gunicorn is what the worker is written for, and that its settings ask for nothing else."""

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
    "protocol": ("http", "speak uwsgi (protocol): have the proxy speak HTTP/1.1"),
}


class Incompatible(Exception):
    """The server can't work so; the message is a sentence for the operator."""


def check(master: Any) -> None:
    """Raise `Incompatible` if the installed gunicorn or its settings are not what the worker can work with. `master` is
    gunicorn's `Arbiter`."""
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
            f"gunicorn {gunicorn.__version__} differs from what storefront/server is written for "
            f"({type(fault).__name__}: {fault}); install the version that requirements.txt names."
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
    """Take one request through all that the worker uses of gunicorn. Raises whatever goes wrong."""
    cfg: Any = Config()
    buffer = RequestBuffer(cfg, ("127.0.0.1", 1))
    buffer.feed(probe)
    request = buffer.next_request()
    if request is None:
        raise ValueError("the end of a request is not found")
    with request.body as body:
        if body.read() != b"hello" or not buffer.is_empty:
            raise ValueError("a request is not read as it was sent")
    output = Recorder()
    response, environ = wsgi.create(request.message, output, ("127.0.0.1", 1), ("127.0.0.1", 2), cfg)
    environ["wsgi.input"] = BytesIO()
    expected = {"REQUEST_METHOD": "POST", "PATH_INFO": "/a", "QUERY_STRING": "b=c", "REMOTE_ADDR": "127.0.0.1"}
    if any(environ.get(name) != value for name, value in expected.items()):
        raise ValueError("the WSGI environment is not what was sent")
    response.start_response("200 OK", [("Content-Length", "2")])
    response.write(b"ok")
    response.close()
    if not output.sent.startswith(b"HTTP/1.1 200 OK\r\n") or not output.sent.endswith(b"\r\n\r\nok"):
        raise ValueError("a response is not written as it was made")
    if response.should_close() or not callable(response.force_close):
        raise ValueError("a connection is not kept alive")
