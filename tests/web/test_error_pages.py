"""Errors are rendered as page, partial or problem details whatever has failed, with a log line and a request id."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from psycopg import sql
from werkzeug.test import EnvironBuilder, TestResponse

from storefront.state import state_of
from storefront.tenants import registry
from tests.conftest import Lines, Person, dispose
from tests.postgres import Postgres

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#messages"}
FORMATS = {"page": ("/cart", {}), "partial": ("/cart", PARTIAL), "api": ("/api/v1/products", {})}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def fails(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("this is what failed")


def check(answer: TestResponse, response_format: str, status: int, lines: list[dict[str, Any]]) -> None:
    """Check format and status of the response, and that there is one access log line with its request id."""
    assert answer.status_code == status
    assert answer.mimetype == ("application/problem+json" if response_format == "api" else "text/html")
    if response_format == "api":
        assert answer.json["status"] == status
    elif response_format == "partial":
        assert answer.headers["HX-Retarget"] == "#messages"
        assert 'id="messages"' in answer.text
        assert "<!doctype" not in answer.text
    else:
        assert answer.text.startswith("<!doctype html>")
        assert "<h1>" in answer.text
    assert "this is what failed" not in answer.text
    request_id = answer.headers["X-Request-ID"]
    found = [line for line in lines if line["logger"] == "storefront.access"]
    assert [(line["status"], line["request_id"]) for line in found] == [(status, request_id)]


@pytest.fixture
def with_cart(app: Flask) -> Person:
    """A client with a cart, of an app that handles errors as in production."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    return person


@contextmanager
def database_unavailable(app: Flask, url: str, postgres: Callable[[], Postgres]) -> Iterator[None]:
    """Make the database unavailable: its file is a directory, or it accepts no connections."""
    dispose(app)
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        shutil.move(file, file.with_suffix(".moved"))
        file.mkdir()
        yield
        file.rmdir()
        shutil.move(file.with_suffix(".moved"), file)
        return
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(postgres().admin, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))


@pytest.fixture
def without_database(with_cart: Person, database_url: str, request: pytest.FixtureRequest) -> Iterator[Person]:
    with database_unavailable(with_cart.client.application, database_url, lambda: request.getfixturevalue("postgres")):
        yield with_cart


def set_snapshot_ttl(person: Person, seconds: float) -> None:
    state_of(person.client.application).registry.snapshot_ttl_seconds = seconds


@pytest.fixture(params=["known", "unknown"])
def tenants(without_database: Person, request: pytest.FixtureRequest) -> str:
    """Whether the process has a valid snapshot of the tenants."""
    set_snapshot_ttl(without_database, 1e9 if request.param == "known" else -1)
    return str(request.param)


@pytest.mark.parametrize("response_format", FORMATS)
def test_unavailable_database_is_a_503_for_a_shopper_with_a_cart(
    without_database: Person, tenants: str, response_format: str, lines: Lines
) -> None:
    path, headers = FORMATS[response_format]
    answer = without_database.get(path, headers=headers)
    check(answer, response_format, 503, lines())
    assert int(answer.headers["Retry-After"]) > 0
    assert "storefront.web.error_handlers" in {line["logger"] for line in lines()}, "the reason isn't logged"
    assert all("exc_info" not in line for line in lines()), "another error occurred"
    if response_format == "page" and tenants == "known":
        assert "North" in answer.text, "the page lacks the shop's name"


@ON_SQLITE
@pytest.mark.parametrize("response_format", FORMATS)
def test_other_errors_need_no_database(without_database: Person, response_format: str, lines: Lines) -> None:
    """404, 405 and 413 are returned although the database is unavailable."""
    set_snapshot_ttl(without_database, 1e9)
    headers = FORMATS[response_format][1]
    start = "/api/v1/" if response_format == "api" else "/"
    cases = [("GET", "nothing", 404, b""), ("DELETE", "products" if response_format == "api" else "cart", 405, b"")]
    cases += [("POST", "carts" if response_format == "api" else "cart/items", 413, b"x" * 300_000)]
    for method, path, status, body in cases:
        before = len(lines())
        answer = without_database.client.open(
            f"/t/north{start}{path}",
            method=method,
            data=body,
            content_type="application/json" if response_format == "api" else "application/x-www-form-urlencoded",
            headers=headers,
        )
        check(answer, response_format, status, lines()[before:])


def test_cart_is_unchanged_when_the_database_is_available_again(
    with_cart: Person, database_url: str, request: pytest.FixtureRequest
) -> None:
    set_snapshot_ttl(with_cart, -1)
    with database_unavailable(with_cart.client.application, database_url, lambda: request.getfixturevalue("postgres")):
        assert with_cart.get("/cart").status_code == 503
    assert "Dawn Beans" in with_cart.get("/cart").text


def break_view(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint in ("cart.view_cart", "catalog_api.list_products"):
        monkeypatch.setitem(app.view_functions, endpoint, fails)


@ON_SQLITE
@pytest.mark.parametrize("response_format", FORMATS)
def test_unhandled_error_is_logged_with_its_traceback_and_answered(
    with_cart: Person, response_format: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_view(with_cart.client.application, monkeypatch)
    path, headers = FORMATS[response_format]
    check(with_cart.get(path, headers=headers), response_format, 500, lines())
    (trace,) = [line for line in lines() if "exc_info" in line]
    assert "this is what failed" in trace["exc_info"]
    assert trace["request_id"] == lines()[-1]["request_id"]


@ON_SQLITE
@pytest.mark.parametrize("response_format", FORMATS)
@pytest.mark.parametrize(
    "failing", ["tenants", "translations", "template", "context", "session", "headers", "compression"]
)
def test_error_page_is_shown_although_its_rendering_fails(
    with_cart: Person, response_format: str, failing: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = with_cart.client.application
    break_view(app, monkeypatch)
    if failing == "tenants":
        monkeypatch.setattr(registry.Registry, "all", fails)
    elif failing == "translations":
        monkeypatch.setattr("flask_babel.get_translations", fails)
    elif failing == "template":
        monkeypatch.setattr(app.jinja_env, "get_template", fails)
        monkeypatch.setattr("storefront.web.error_handlers.jsonify", fails)
    elif failing == "context":
        monkeypatch.setattr(app, "update_template_context", fails)
        monkeypatch.setattr("storefront.web.error_handlers.jsonify", fails)
    elif failing == "session":
        monkeypatch.setattr(SecureCookieSessionInterface, "open_session", fails)
        monkeypatch.setattr(SecureCookieSessionInterface, "save_session", fails)
    elif failing == "headers":
        monkeypatch.setattr("storefront.web.security.content_security_policy", fails)
    else:
        monkeypatch.setattr("storefront.web.compression.accepts_gzip", fails)
    path, headers = FORMATS[response_format]
    answer = with_cart.get(path, headers=headers)
    check(answer, response_format, 500, lines())
    assert any("this is what failed" in line.get("exc_info", "") for line in lines())


@ON_SQLITE
@pytest.mark.parametrize("response_format", FORMATS)
def test_error_outside_of_flask_is_answered_too(
    with_cart: Person, response_format: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(with_cart.client.application, "full_dispatch_request", fails)
    monkeypatch.setattr(with_cart.client.application, "handle_exception", fails)
    path, headers = FORMATS[response_format]
    check(with_cart.get(path, headers=headers), response_format, 500, lines())
    assert any("this is what failed" in line.get("exc_info", "") for line in lines())


@ON_SQLITE
def test_error_after_start_response_replaces_the_response(
    with_cart: Person, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call of `start_response` needs `exc_info`, and is possible until the headers are sent (PEP 3333)."""
    app = with_cart.client.application
    monkeypatch.setattr(app, "do_teardown_request", fails)
    heads: list[tuple[str, dict[str, str], bool]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        heads.append((status, dict(headers), bool(exc_info and exc_info[1])))

    before = len(lines())
    body = b"".join(app.wsgi_app(EnvironBuilder(path="/t/north/cart").get_environ(), start_response))
    assert [(status[:3], replaced) for status, _, replaced in heads] == [("200", False), ("500", True)]
    assert b"Something went wrong" in body
    (line,) = [line for line in lines()[before:] if line["message"] == "unhandled error"]
    assert line["request_id"] == heads[1][1]["X-Request-ID"]


@ON_SQLITE
def test_error_page_shows_no_cart_quantity(with_cart: Person) -> None:
    assert 'id="cart_badge"' in with_cart.get("/nothing").text
    assert ">1</b>" in with_cart.get("/").text
    assert ">1</b>" not in with_cart.get("/nothing").text


@ON_SQLITE
def test_unreadable_static_file_is_a_logged_500(app: Flask, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whitenoise.responders.open", fails, raising=False)
    answer = app.test_client().get("/static/fonts/figtree.woff2")
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == lines()[-1]["request_id"]
