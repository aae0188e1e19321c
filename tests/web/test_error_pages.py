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

REGION = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#messages"}
KINDS = {"page": ("/cart", {}), "region": ("/cart", REGION), "program": ("/api/v1/products", {})}
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def fails(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("this is what failed")


def check(answer: TestResponse, kind: str, status: int, lines: list[dict[str, Any]]) -> None:
    """The answer is of its kind, and there is one line about the request, with its id."""
    assert answer.status_code == status
    assert answer.mimetype == ("application/problem+json" if kind == "program" else "text/html")
    if kind == "program":
        assert answer.json["status"] == status
    elif kind == "region":
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
    """Somebody whose cookie names a cart, in an app that answers as in production."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    return person


@contextmanager
def database_away(app: Flask, url: str, postgres: Callable[[], Postgres]) -> Iterator[None]:
    """The database is really away: its file is something else, or it takes no connections."""
    dispose(app)
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        shutil.move(file, file.with_suffix(".away"))
        file.mkdir()
        yield
        file.rmdir()
        shutil.move(file.with_suffix(".away"), file)
        return
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(postgres().admin, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))


@pytest.fixture
def away(with_cart: Person, database_url: str, request: pytest.FixtureRequest) -> Iterator[Person]:
    with database_away(with_cart.client.application, database_url, lambda: request.getfixturevalue("postgres")):
        yield with_cart


def keep_snapshot(person: Person, seconds: float) -> None:
    state_of(person.client.application).registry.snapshot_ttl_seconds = seconds


@pytest.fixture(params=["known", "unknown"])
def tenants(away: Person, request: pytest.FixtureRequest) -> str:
    """Whether the process still knows which shops there are."""
    keep_snapshot(away, 1e9 if request.param == "known" else -1)
    return str(request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_database_a_shopper_with_a_cart_is_told_so(
    away: Person, tenants: str, kind: str, lines: Lines
) -> None:
    path, headers = KINDS[kind]
    answer = away.get(path, headers=headers)
    check(answer, kind, 503, lines())
    assert int(answer.headers["Retry-After"]) > 0
    assert "storefront.web.error_handlers" in {line["logger"] for line in lines()}, "why is logged, too"
    assert all("exc_info" not in line for line in lines()), "and nothing else broke"
    if kind == "page" and tenants == "known":
        assert "North" in answer.text, "the page is the shop's own"


@ON_ONE_DATABASE
@pytest.mark.parametrize("kind", KINDS)
def test_other_errors_do_not_ask_the_database(away: Person, kind: str, lines: Lines) -> None:
    """Nothing and nobody would be found; they are answered as if the database were there."""
    keep_snapshot(away, 1e9)
    headers = KINDS[kind][1]
    start = "/api/v1/" if kind == "program" else "/"
    cases = [("GET", "nothing", 404, b""), ("DELETE", "products" if kind == "program" else "cart", 405, b"")]
    cases += [("POST", "carts" if kind == "program" else "cart/items", 413, b"x" * 300_000)]
    for method, path, status, body in cases:
        before = len(lines())
        answer = away.client.open(
            f"/t/north{start}{path}",
            method=method,
            data=body,
            content_type="application/json" if kind == "program" else "application/x-www-form-urlencoded",
            headers=headers,
        )
        check(answer, kind, status, lines()[before:])


def test_when_it_is_back_the_cart_is_as_it_was(
    with_cart: Person, database_url: str, request: pytest.FixtureRequest
) -> None:
    keep_snapshot(with_cart, -1)
    with database_away(with_cart.client.application, database_url, lambda: request.getfixturevalue("postgres")):
        assert with_cart.get("/cart").status_code == 503
    assert "Dawn Beans" in with_cart.get("/cart").text


def break_view(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint in ("cart.view_cart", "catalog_api.list_products"):
        monkeypatch.setitem(app.view_functions, endpoint, fails)


@ON_ONE_DATABASE
@pytest.mark.parametrize("kind", KINDS)
def test_an_unforeseen_error_is_logged_with_its_trace_and_answered(
    with_cart: Person, kind: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_view(with_cart.client.application, monkeypatch)
    path, headers = KINDS[kind]
    check(with_cart.get(path, headers=headers), kind, 500, lines())
    (trace,) = [line for line in lines() if "exc_info" in line]
    assert "this is what failed" in trace["exc_info"]
    assert trace["request_id"] == lines()[-1]["request_id"]


@ON_ONE_DATABASE
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failing", ["tenants", "translations", "template", "context", "session", "headers", "packing"])
def test_an_error_is_shown_although_what_shows_it_failed(
    with_cart: Person, kind: str, failing: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
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
    path, headers = KINDS[kind]
    answer = with_cart.get(path, headers=headers)
    check(answer, kind, 500, lines())
    assert any("this is what failed" in line.get("exc_info", "") for line in lines())


@ON_ONE_DATABASE
@pytest.mark.parametrize("kind", KINDS)
def test_what_fails_outside_of_flask_is_answered_too(
    with_cart: Person, kind: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(with_cart.client.application, "full_dispatch_request", fails)
    monkeypatch.setattr(with_cart.client.application, "handle_exception", fails)
    path, headers = KINDS[kind]
    check(with_cart.get(path, headers=headers), kind, 500, lines())
    assert any("this is what failed" in line.get("exc_info", "") for line in lines())


@ON_ONE_DATABASE
def test_what_fails_when_the_answer_was_begun_replaces_it(
    with_cart: Person, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server sees it: a second head is taken with the reason for it only, until the first is sent (PEP 3333)."""
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


@ON_ONE_DATABASE
def test_an_errors_page_says_no_number_of_pieces(with_cart: Person) -> None:
    assert 'id="cart_badge"' in with_cart.get("/nothing").text
    assert ">1</b>" in with_cart.get("/").text
    assert ">1</b>" not in with_cart.get("/nothing").text


@ON_ONE_DATABASE
def test_a_static_file_that_cannot_be_read_is_no_bare_failure(
    app: Flask, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitenoise.responders.open", fails, raising=False)
    answer = app.test_client().get("/static/fonts/figtree.woff2")
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == lines()[-1]["request_id"]
