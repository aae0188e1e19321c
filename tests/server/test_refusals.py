"""Responses to errors before a request reaches the app."""

import json

import pytest
from gunicorn.http import errors

from storefront.server.refusals import refusal_of, respond
from storefront.server.request_buffer import BodyTooLarge

ERRORS: list[tuple[Exception, int]] = [
    (BodyTooLarge(), 413),
    (errors.LimitRequestLine(5000, 4094), 414),
    (errors.LimitRequestHeaders("x"), 431),
    (errors.ExpectationFailed("x"), 417),
    (errors.UnsupportedTransferCoding("x"), 501),
    (errors.InvalidHeader("x"), 400),
    (errors.ObsoleteFolding("x"), 400),
    (errors.InvalidChunkSize(b"x"), 400),
    (OSError(28, "No space left on device"), 503),
    (FileNotFoundError("no folder for temporary files"), 503),
    (RecursionError(), 500),
]


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_error_has_its_status(error: Exception, status: int) -> None:
    refusal = refusal_of(error)
    assert refusal.status == status
    assert refusal.title and refusal.detail.endswith(".")
    head, body = respond(refusal, b"GET /api/v1/x HTTP/1.1\r\n", 0.0, "test").split(b"\r\n\r\n")
    assert json.loads(body)["type"].startswith("/problems/")
    assert (b"Retry-After" in head) is (status == 503)
