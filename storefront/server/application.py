"""Runs the WSGI app for one complete request, in a thread of the worker's pool."""

import logging
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.config import Config
from gunicorn.http import wsgi

from storefront.server.connection import Connection
from storefront.server.refusals import INTERNAL_ERROR, respond
from storefront.server.request_buffer import CompleteRequest

log = logging.getLogger("storefront.server")


def run(app: WSGIApplication, cfg: Config, connection: Connection, request: CompleteRequest, is_last: bool) -> None:
    """Write the app's response to the connection's output; `is_last` closes the connection afterwards.

    Sets `connection.keep_alive`, and `connection.take_over` if the app takes over the connection. Never raises.
    """
    connection.keep_alive = connection.output.has_sent = False
    try:
        connection.keep_alive = write_response(app, cfg, connection, request, is_last)
    except OSError as fault:  # the client has disconnected or doesn't read
        log.debug("could not send a response: %s", fault)
        connection.output.close()
        connection.take_over = None
    except Exception:
        log.exception("could not respond to a request")
        connection.take_over = None
        send_internal_error(connection, request)
    finally:
        request.body.close()


def write_response(
    app: WSGIApplication, cfg: Config, connection: Connection, request: CompleteRequest, is_last: bool
) -> bool:
    """Write the response. Return whether the connection can be used for another request."""
    output = connection.output
    response, environ = wsgi.create(request.message, output, connection.peer, connection.server, cfg)
    extend_environ(environ, connection, request)
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


def extend_environ(environ: dict[str, Any], connection: Connection, request: CompleteRequest) -> None:
    """Add to the WSGI environ: the complete decoded body, and the callback to take over the connection."""
    environ["wsgi.multithread"] = True
    environ["wsgi.input"] = request.body
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
        environ["CONTENT_LENGTH"] = str(request.body_bytes)
    environ["storefront.take_over"] = lambda take_over: setattr(connection, "take_over", take_over)


def send_internal_error(connection: Connection, request: CompleteRequest) -> None:
    """Send a 500 for an exception outside of the app's own error handling, if nothing was sent yet."""
    if connection.output.has_sent:
        return
    connection.output.close()
    start = f"{request.message.method} {request.message.uri} HTTP/1.1\r\n".encode("latin-1")
    connection.output.sendall(
        respond(INTERNAL_ERROR, start, connection.seconds_since_request_began(), "unhandled error")
    )
