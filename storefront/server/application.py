"""Runs the WSGI app for one complete request. Everything here happens in a thread of the worker's pool."""

import logging
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.config import Config
from gunicorn.http import wsgi

from storefront.server.connection import Connection
from storefront.server.refusals import BROKEN, respond
from storefront.server.request_buffer import CompleteRequest

log = logging.getLogger("storefront.server")


def run(app: WSGIApplication, cfg: Config, connection: Connection, request: CompleteRequest, is_last: bool) -> None:
    """Write the app's response to the connection's output; `is_last` says that the connection has to close then.

    Sets `keep_alive`, and `take_over` if the app takes the connection. Raises nothing.
    """
    connection.keep_alive = connection.output.has_sent = False
    try:
        connection.keep_alive = write_response(app, cfg, connection, request, is_last)
    except OSError as fault:  # the client has gone, or reads nothing
        log.debug("could not send a response: %s", fault)
        connection.output.close()
        connection.take_over = None
    except Exception:
        log.exception("could not respond to a request")
        connection.take_over = None
        say_broken(connection, request)
    finally:
        request.body.close()


def write_response(
    app: WSGIApplication, cfg: Config, connection: Connection, request: CompleteRequest, is_last: bool
) -> bool:
    """Whether the connection may be used for another request."""
    output = connection.output
    response, environ = wsgi.create(request.message, output, connection.peer, connection.server, cfg)
    complete(environ, connection, request)
    if is_last:
        response.force_close()
    pieces: Any = app(environ, response.start_response)
    try:
        if isinstance(pieces, environ["wsgi.file_wrapper"]):
            response.write_file(pieces)
        else:
            for piece in pieces:
                response.write(piece)
                output.flush_or_wait()
        if connection.take_over is None:
            response.close()
            output.flush_or_wait()
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return not response.should_close()


def complete(environ: dict[str, Any], connection: Connection, request: CompleteRequest) -> None:
    """Say what gunicorn can't know: the body is here, whole and decoded, and the app may take the connection."""
    environ["wsgi.multithread"] = True
    environ["wsgi.input"] = request.body
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
        environ["CONTENT_LENGTH"] = str(request.body_bytes)
    environ["storefront.take_over"] = lambda take_over: setattr(connection, "take_over", take_over)


def say_broken(connection: Connection, request: CompleteRequest) -> None:
    """The app handles its own errors; this is for one in front of it."""
    if connection.output.has_sent:
        return
    connection.output.close()
    start = f"{request.message.method} {request.message.uri} HTTP/1.1\r\n".encode("latin-1")
    connection.output.sendall(respond(BROKEN, start, connection.seconds_since_request_began(), "unhandled error"))
