"""Operational endpoints: liveness, readiness, metrics."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from sqlalchemy.exc import OperationalError

from storefront.db.base import db
from tests.conftest import Person
from tests.postgres import Postgres

AWAY = "203.0.113.7"
"""An address that is not this machine's."""
TOKEN = "let-me-see-the-metrics-please"


def test_it_lives_and_is_ready(app: Flask) -> None:
    for address in ("/healthz", "/readyz"):
        answer = app.test_client().get(address)
        assert answer.status_code == 200
        assert "no-cache" in answer.headers["Cache-Control"] or "no-store" in answer.headers["Cache-Control"]


def test_without_its_database_it_lives_but_is_not_ready(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    client = app.test_client()
    assert client.get("/readyz").status_code == 200

    def away(*_: object, **__: object) -> None:
        raise OperationalError("connect", {}, Exception("the server closed the connection"))

    with app.app_context():
        monkeypatch.setattr(db.engine.pool, "connect", away)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/t/north/cart").status_code == 503
    program = client.get("/t/north/api/v1/products")
    assert program.status_code == 503
    assert program.mimetype == "application/problem+json"
    assert int(program.headers["Retry-After"]) > 0
    assert "closed the connection" not in program.text
    monkeypatch.undo()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_postgresql_that_is_gone_is_noticed_and_found_again(
    make_app: Callable[..., Flask], database_url: str, postgres: Postgres
) -> None:
    """Connections that an administrator ends are made anew, and no shopper sees it."""
    client = make_app().test_client()
    assert client.get("/t/north/").status_code == 200
    name = re.sub(r".*@/([^?]+).*", r"\1", database_url)
    with psycopg.connect(postgres.admin, autocommit=True) as admin:
        many = admin.execute(
            sql.SQL("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = {}").format(name)
        ).fetchone()
    assert many and many[0] >= 1
    assert client.get("/readyz").status_code == 200
    assert client.get("/t/north/").status_code == 200


def metrics(app: Flask, address: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = app.test_client().get("/metrics", headers=given, environ_base={"REMOTE_ADDR": address})
    return answer.status_code, answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_may_read_the_metrics(app: Flask, address: str) -> None:
    assert metrics(app, address)[0] == 200


BY_PROXY = (
    *("X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host", "X_Forwarded_Port", "X_Forwarded_Server"),
    *("X_Forwarded", "X_Forwarded_Prefix", "X_Forwarded_Ssl", "Forwarded", "X_Real_IP", "Via", "X_Client_IP"),
    *("X_Cluster_Client_IP", "True_Client_IP", "CF_Connecting_IP", "CDN_Loop", "Fly_Client_IP"),
    *("X_Amzn_Trace_Id", "X_Original_Host"),
)


@pytest.mark.parametrize("proxies", ["0", "1"])
@pytest.mark.parametrize("header", BY_PROXY)
def test_what_came_by_a_proxy_of_this_machine_may_not(
    make_app: Callable[..., Flask], header: str, proxies: str
) -> None:
    """Whatever the header says, and whether or not it is believed."""
    app = make_app(TRUSTED_PROXIES=proxies)
    for text in ("127.0.0.1", "https", "localhost", ""):
        assert metrics(app, **{header: text})[0] == 404


def asked_at(app: Flask, host: str | None, protocol: str = "HTTP/1.1") -> int:
    """As a proxy without any settings asks: by its own name for the shop, or by the one that its client used."""
    environ = {"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": protocol, "HTTP_HOST": host}
    if host is None:
        del environ["HTTP_HOST"]
        app.wsgi_app = partial(without_host, app.wsgi_app)  # type: ignore[method-assign]
    return app.test_client().get("/metrics", environ_overrides=environ).status_code


def without_host(wsgi_app: Any, environ: dict[str, Any], start_response: Any) -> Any:
    environ.pop("HTTP_HOST", None)
    return wsgi_app(environ, start_response)


def test_the_host_must_be_this_machine_too(app: Flask) -> None:
    for own in ("localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:8000", "127.8.9.10", "[::1]", "[::1]:8000"):
        assert asked_at(app, own) == 200, own
    others = [
        "shop.example",
        "shop.example:8000",
        "north.localhost",
        "localhost.example",
        "127.0.0.1.example",
        "10.0.0.1",
    ]
    for other in (*others, "[::2]", "[", "", None, "upstream", "localhost:8000:1", "127.0.0.1@shop.example"):
        assert asked_at(app, other) == 404, other
    assert asked_at(app, "127.0.0.1:8000", "HTTP/1.0") == 404, "as nginx asks when it isn't told otherwise"
    assert asked_at(app, None) == 404


@pytest.mark.parametrize("address", [AWAY, "10.0.0.1", "::2", "", "localhost"])
def test_other_machines_may_not(app: Flask, address: str) -> None:
    status, body = metrics(app, address)
    assert status == 404
    assert "storefront_http_requests" not in body


def test_other_machines_may_with_the_token(make_app: Callable[..., Flask]) -> None:
    app = make_app(METRICS_TOKEN=TOKEN)
    assert metrics(app, AWAY, Authorization=f"Bearer {TOKEN}")[0] == 200
    assert metrics(app, AWAY, Authorization=f"Bearer {TOKEN}", X_Forwarded_For=AWAY)[0] == 200
    for wrong in ("Bearer wrong", "Bearer ", f"Bearer {TOKEN}-more", f"Basic {TOKEN}", "Bearer lét"):
        assert metrics(app, AWAY, Authorization=wrong)[0] == 404
    assert metrics(app, AWAY)[0] == 404
    assert metrics(app)[0] == 200, "this machine needs none"


def test_without_a_token_no_token_opens(app: Flask) -> None:
    for guess in ("Bearer ", "Bearer None", ""):
        assert metrics(app, AWAY, Authorization=guess)[0] == 404


def test_a_trusted_proxys_word_about_the_address_is_no_way_in(make_app: Callable[..., Flask]) -> None:
    app = make_app(TRUSTED_PROXIES="1")
    assert metrics(app, X_Forwarded_For="127.0.0.1")[0] == 404
    assert metrics(app, X_Forwarded_For=AWAY)[0] == 404
    assert metrics(app)[0] == 200


def counted(app: Flask) -> dict[tuple[str, str, str], float]:
    """Requests by method, route and status."""
    status, body = metrics(app)
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert families["storefront_http_request_duration_seconds"].type == "histogram"
    samples = families["storefront_http_requests"].samples
    return {
        (one.labels["method"], one.labels["route"], one.labels["status"]): one.value
        for one in samples
        if one.name.endswith("_total")
    }


def test_requests_are_counted_by_route_and_never_by_path(shopper: Person) -> None:
    app = shopper.client.application
    before = counted(app)
    for id in ("beans", "cup", "beans"):
        shopper.get(f"/products/{id}")
    shopper.get("/products/secret-product")
    shopper.get("/made/up/path")
    shopper.api("GET", "/products/beans")
    after = counted(app)
    grown = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    grown.pop(("GET", "/metrics", "200"), None)
    assert grown.pop(("GET", "/products/<product_id>", "200")) == 3
    assert grown.pop(("GET", "/products/<product_id>", "404")) == 1
    assert grown.pop(("GET", "/api/v1/products/<product_id>", "200")) == 1
    assert grown == {("GET", "none", "404"): 1}
    for word in ("secret-product", "made", "north"):
        assert not any(word in label for key in after for label in key)


def test_made_up_methods_do_not_grow_the_metrics(shopper: Person) -> None:
    """Each label is kept for ever, so that a stranger must not be able to make new ones."""
    for i in range(20):
        shopper.client.open("/t/north/", method=f"MADEUP{i}")
        shopper.client.open("/nowhere", method=f"MADEUP{i}")
    assert len({method for method, _, _ in counted(shopper.client.application) if method.startswith("MADEUP")}) <= 1


def test_operational_endpoints_are_the_same_below_a_shop(shopper: Person) -> None:
    for address in ("/healthz", "/readyz", "/metrics"):
        for answer in (shopper.client.get(address), shopper.get(address)):
            assert answer.status_code == 200
            assert "north" not in answer.text


def test_who_guesses_the_token_is_soon_refused_and_who_has_it_is_not(make_app: Callable[..., Flask]) -> None:
    app = make_app(METRICS_TOKEN=TOKEN, RATELIMIT_ENABLED="true")
    for _ in range(70):
        assert metrics(app, "203.0.113.50", Authorization=f"Bearer {TOKEN}")[0] == 200
    found = [metrics(app, "203.0.113.51", Authorization=f"Bearer {i}")[0] for i in range(61)]
    assert found == [404] * 60 + [429]
    assert metrics(app, AWAY, Authorization=f"Bearer {TOKEN}")[0] == 200, "another client isn't held up"
