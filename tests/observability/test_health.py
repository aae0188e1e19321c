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

REMOTE_ADDRESS = "203.0.113.7"
"""A client address that is not local."""
TOKEN = "let-me-see-the-metrics-please"


def test_liveness_and_readiness_are_ok(app: Flask) -> None:
    for path in ("/healthz", "/readyz"):
        answer = app.test_client().get(path)
        assert answer.status_code == 200
        assert "no-cache" in answer.headers["Cache-Control"] or "no-store" in answer.headers["Cache-Control"]


def test_app_without_its_database_is_live_but_not_ready(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    client = app.test_client()
    assert client.get("/readyz").status_code == 200

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("connect", {}, Exception("the server closed the connection"))

    with app.app_context():
        monkeypatch.setattr(db.engine.pool, "connect", fail)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/t/north/cart").status_code == 503
    api_answer = client.get("/t/north/api/v1/products")
    assert api_answer.status_code == 503
    assert api_answer.mimetype == "application/problem+json"
    assert int(api_answer.headers["Retry-After"]) > 0
    assert "closed the connection" not in api_answer.text
    monkeypatch.undo()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_terminated_postgresql_connections_are_replaced(
    make_app: Callable[..., Flask], database_url: str, postgres: Postgres
) -> None:
    """Connections that an administrator terminates are reopened without an error for shoppers."""
    client = make_app().test_client()
    assert client.get("/t/north/").status_code == 200
    name = re.sub(r".*@/([^?]+).*", r"\1", database_url)
    with psycopg.connect(postgres.admin, autocommit=True) as admin:
        terminated = admin.execute(
            sql.SQL("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = {}").format(name)
        ).fetchone()
    assert terminated and terminated[0] >= 1
    assert client.get("/readyz").status_code == 200
    assert client.get("/t/north/").status_code == 200


def metrics(app: Flask, address: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    request_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = app.test_client().get("/metrics", headers=request_headers, environ_base={"REMOTE_ADDR": address})
    return answer.status_code, answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_local_client_may_read_the_metrics(app: Flask, address: str) -> None:
    assert metrics(app, address)[0] == 200


PROXY_HEADERS = (
    *("X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host", "X_Forwarded_Port", "X_Forwarded_Server"),
    *("X_Forwarded", "X_Forwarded_Prefix", "X_Forwarded_Ssl", "Forwarded", "X_Real_IP", "Via", "X_Client_IP"),
    *("X_Cluster_Client_IP", "True_Client_IP", "CF_Connecting_IP", "CDN_Loop", "Fly_Client_IP"),
    *("X_Amzn_Trace_Id", "X_Original_Host"),
)


@pytest.mark.parametrize("proxies", ["0", "1"])
@pytest.mark.parametrize("header", PROXY_HEADERS)
def test_request_by_a_local_proxy_may_not_read_the_metrics(
    make_app: Callable[..., Flask], header: str, proxies: str
) -> None:
    """Whatever the header's value, and whether or not the proxy is trusted."""
    app = make_app(TRUSTED_PROXIES=proxies)
    for text in ("127.0.0.1", "https", "localhost", ""):
        assert metrics(app, **{header: text})[0] == 404


def metrics_status(app: Flask, host: str | None, protocol: str = "HTTP/1.1") -> int:
    """Request the metrics like a proxy with default settings: with its own Host header, that of its client, or none."""
    environ = {"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": protocol, "HTTP_HOST": host}
    if host is None:
        del environ["HTTP_HOST"]
        app.wsgi_app = partial(without_host, app.wsgi_app)  # type: ignore[method-assign]
    return app.test_client().get("/metrics", environ_overrides=environ).status_code


def without_host(wsgi_app: Any, environ: dict[str, Any], start_response: Any) -> Any:
    environ.pop("HTTP_HOST", None)
    return wsgi_app(environ, start_response)


def test_host_header_must_be_local_too(app: Flask) -> None:
    for local in ("localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:8000", "127.8.9.10", "[::1]", "[::1]:8000"):
        assert metrics_status(app, local) == 200, local
    others = [
        "shop.example",
        "shop.example:8000",
        "north.localhost",
        "localhost.example",
        "127.0.0.1.example",
        "10.0.0.1",
    ]
    for other in (*others, "[::2]", "[", "", None, "upstream", "localhost:8000:1", "127.0.0.1@shop.example"):
        assert metrics_status(app, other) == 404, other
    assert metrics_status(app, "127.0.0.1:8000", "HTTP/1.0") == 404, (
        "a proxied request of nginx with default settings was accepted"
    )
    assert metrics_status(app, None) == 404


@pytest.mark.parametrize("address", [REMOTE_ADDRESS, "10.0.0.1", "::2", "", "localhost"])
def test_remote_client_may_not_read_the_metrics(app: Flask, address: str) -> None:
    status, body = metrics(app, address)
    assert status == 404
    assert "storefront_http_requests" not in body


def test_remote_client_may_read_the_metrics_with_the_token(make_app: Callable[..., Flask]) -> None:
    app = make_app(METRICS_TOKEN=TOKEN)
    assert metrics(app, REMOTE_ADDRESS, Authorization=f"Bearer {TOKEN}")[0] == 200
    assert metrics(app, REMOTE_ADDRESS, Authorization=f"Bearer {TOKEN}", X_Forwarded_For=REMOTE_ADDRESS)[0] == 200
    for wrong in ("Bearer wrong", "Bearer ", f"Bearer {TOKEN}-more", f"Basic {TOKEN}", "Bearer lét"):
        assert metrics(app, REMOTE_ADDRESS, Authorization=wrong)[0] == 404
    assert metrics(app, REMOTE_ADDRESS)[0] == 404
    assert metrics(app)[0] == 200, "a local client needs no token"


def test_no_token_is_accepted_if_none_is_configured(app: Flask) -> None:
    for guess in ("Bearer ", "Bearer None", ""):
        assert metrics(app, REMOTE_ADDRESS, Authorization=guess)[0] == 404


def test_forwarded_local_address_of_a_trusted_proxy_is_not_accepted(make_app: Callable[..., Flask]) -> None:
    app = make_app(TRUSTED_PROXIES="1")
    assert metrics(app, X_Forwarded_For="127.0.0.1")[0] == 404
    assert metrics(app, X_Forwarded_For=REMOTE_ADDRESS)[0] == 404
    assert metrics(app)[0] == 200


def counted(app: Flask) -> dict[tuple[str, str, str], float]:
    """Return the counter of requests by method, route and status."""
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


def test_requests_are_counted_by_route_not_path(shopper: Person) -> None:
    app = shopper.client.application
    before = counted(app)
    for id in ("beans", "cup", "beans"):
        shopper.get(f"/products/{id}")
    shopper.get("/products/secret-product")
    shopper.get("/made/up/path")
    shopper.api("GET", "/products/beans")
    after = counted(app)
    increments = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    increments.pop(("GET", "/metrics", "200"), None)
    assert increments.pop(("GET", "/products/<product_id>", "200")) == 3
    assert increments.pop(("GET", "/products/<product_id>", "404")) == 1
    assert increments.pop(("GET", "/api/v1/products/<product_id>", "200")) == 1
    assert increments == {("GET", "none", "404"): 1}
    for word in ("secret-product", "made", "north"):
        assert not any(word in label for key in after for label in key)


def test_unknown_methods_add_no_labels(shopper: Person) -> None:
    """Labels are kept for the lifetime of a process, so clients must not be able to add new ones."""
    for i in range(20):
        shopper.client.open("/t/north/", method=f"MADEUP{i}")
        shopper.client.open("/nowhere", method=f"MADEUP{i}")
    assert len({method for method, _, _ in counted(shopper.client.application) if method.startswith("MADEUP")}) <= 1


def test_operational_endpoints_work_below_a_shops_prefix(shopper: Person) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        for answer in (shopper.client.get(path), shopper.get(path)):
            assert answer.status_code == 200
            assert "north" not in answer.text


def test_wrong_tokens_are_rate_limited_and_the_right_one_is_not(make_app: Callable[..., Flask]) -> None:
    app = make_app(METRICS_TOKEN=TOKEN, RATELIMIT_ENABLED="true")
    for _ in range(70):
        assert metrics(app, "203.0.113.50", Authorization=f"Bearer {TOKEN}")[0] == 200
    found = [metrics(app, "203.0.113.51", Authorization=f"Bearer {i}")[0] for i in range(61)]
    assert found == [404] * 60 + [429]
    assert metrics(app, REMOTE_ADDRESS, Authorization=f"Bearer {TOKEN}")[0] == 200, "another client was limited"
