"""The OpenAPI document is complete, and requests generated from it cause no server error."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask, request
from schemathesis import BaseSchema
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from storefront import create_app
from storefront.db.timeouts import timeouts_in_force
from storefront.staff.permissions import SCOPES
from storefront.timings import Timeouts
from tests.api_contract import assert_problem
from tests.conftest import Person, Prepared, dispose, settings_for
from tests.locks import write_lock_held
from tests.postgres import Postgres
from tests.staff.factories import api_key, bearer

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DOCUMENT = "/api/v1/openapi.json"


@pytest.fixture
def document(shopper: Person) -> dict[str, Any]:
    answer = shopper.get(DOCUMENT)
    assert answer.mimetype == "application/json"
    found: dict[str, Any] = answer.json
    return found


@sqlite_only
def test_document_is_openapi_3_1(document: dict[str, Any]):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"]
    assert document["servers"] == [{"url": "/t/north"}]


@sqlite_only
def test_document_contains_exactly_the_api_routes(app: Flask, document: dict[str, Any]):
    document_routes = {"/api/v1/openapi.json", "/api/v1/docs"}
    routes = {
        (re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule not in document_routes
        for method in set(rule.methods or ()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method.upper())
        for path, calls in document["paths"].items()
        for method in calls
        if method != "parameters"
    }
    assert described - {(path, "GET") for path in document_routes} == routes


@sqlite_only
def test_every_error_response_is_a_problem(document: dict[str, Any]):
    assert len(document["paths"]) >= 10
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            assert call["responses"], f"{method} {path}"
            assert any(status.startswith("2") for status in call["responses"])
            for status, answer in call["responses"].items():
                media_type = "application/json" if status.startswith("2") else "application/problem+json"
                assert set(answer.get("content", {})) <= {media_type}, f"{method} {path} {status}"
                assert answer.get("content") or path.endswith("docs"), f"{method} {path} {status}"


@sqlite_only
def test_every_reference_can_be_resolved(document: dict[str, Any]):
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    found = set(references(document))
    assert found
    for reference in found:
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node


@sqlite_only
def test_docs_page_lists_every_path(shopper: Person, document: dict[str, Any]):
    page = shopper.get("/api/v1/docs")
    assert page.status_code == 200
    for path in document["paths"]:
        assert path in page.text


# --- errors -----------------------------------------------------------------------------------------------------------


@sqlite_only
def test_unknown_path_is_a_problem(shopper: Person):
    for path in ("/nowhere", "/products/nosuch", "/carts/nosuch", "/orders/nosuch", "/", "/products/"):
        assert_problem(shopper.api("GET", path), 404)
    assert shopper.get("/nowhere").mimetype == "text/html"


@sqlite_only
def test_disallowed_method_is_a_problem_with_an_allow_header(shopper: Person):
    for method, path, allowed in (
        ("DELETE", "/products", "GET"),
        ("GET", "/carts", "POST"),
        ("PATCH", "/carts/x", "GET"),
    ):
        answer = shopper.api(method, path, {})
        assert_problem(answer, 405)
        assert allowed in answer.headers["Allow"]


@sqlite_only
def test_body_that_is_no_json_is_a_documented_400_in_every_call(app: Flask, shopper: Person, document: dict[str, Any]):
    key = bearer(api_key(app, "north", *SCOPES))
    calls = [
        (path, name) for path, found in document["paths"].items() for name in found if "requestBody" in found[name]
    ]
    assert len(calls) > 8
    for path, method in calls:
        url = shopper.root + re.sub(r"\{.+?\}", "beans", path)
        for body in ("{", '{"name": ', "[" * 100_000, b"\xff"):
            answer = shopper.client.open(url, method=method, data=body, headers=key, content_type="application/json")
            assert_problem(answer, 400, "bad-request")
        assert "400" in document["paths"][path][method]["responses"], f"{method} {path}"
        answer = shopper.client.open(url, method=method, json=[], headers=key)
        assert_problem(answer, 422, field="body")


@sqlite_only
def test_internal_error_is_a_problem_without_details(app: Flask, shopper: Person):
    def fail(**_: object) -> None:
        raise RuntimeError("the password is swordfish")

    app.view_functions["catalog_api.get_product"] = app.view_functions["catalog.product"] = fail
    answer = shopper.api("GET", "/products/beans")
    assert_problem(answer, 500)
    page = shopper.get("/products/beans")
    assert (page.status_code, page.mimetype) == (500, "text/html")
    for text in (answer.text, page.text):
        assert "swordfish" not in text
        assert "Traceback" not in text
    assert shopper.api("GET", "/products").status_code == 200


@sqlite_only
def test_too_many_requests_are_a_problem_with_retry_after(make_app: Callable[..., Flask]):
    shopper = Person(make_app(RATELIMIT_ENABLED="true").test_client(), "north")
    cart = shopper.cart(beans=1)
    statuses = Counter(shopper.checkout(cart).status_code for _ in range(125))
    assert set(statuses) == {200, 201, 429}
    refused = shopper.checkout(cart)
    assert_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert shopper.api("GET", f"/carts/{cart}").status_code == 200, "reads are limited too"
    unlimited = Person(make_app(RATELIMIT_ENABLED="false").test_client(), "north")
    assert {unlimited.checkout(cart).status_code for _ in range(125)} == {200}


@sqlite_only
def test_locked_database_is_a_problem_with_retry_after(shopper: Person, database_url: str):
    cart = shopper.cart(beans=1)
    with (
        write_lock_held(database_url, "LOCK TABLE tenant"),
        timeouts_in_force(Timeouts(lock=0.2, statement=5, idle=5)),
    ):
        for answer in (shopper.checkout(cart), shopper.api("POST", "/carts", {})):
            assert_problem(answer, 503)
            assert int(answer.headers["Retry-After"]) >= 1
        page = shopper.post("/cart/items", {"product_id": "beans"})
        assert (page.status_code, page.mimetype) == (503, "text/html")
        assert shopper.api("GET", f"/carts/{cart}").json["status"] == "open", "reads are blocked"
    assert shopper.checkout(cart).status_code == 201


def test_dropped_database_is_a_problem(postgres: Postgres, prepared: Prepared, tmp_path: Path):
    url = prepared.postgresql(postgres)
    app = create_app(settings_for(url, tmp_path))
    shopper = Person(app.test_client(), "north")
    cart = shopper.cart(beans=1)
    postgres.drop(url)
    try:
        for answer in (shopper.api("GET", f"/carts/{cart}"), shopper.checkout(cart), shopper.api("GET", "/products")):
            assert_problem(answer, 503)
            assert int(answer.headers["Retry-After"]) >= 1
        page = shopper.get("/")
        assert (page.status_code, page.mimetype) == (503, "text/html")
        assert app.test_client().get("/readyz").status_code == 503
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        dispose(app)


# --- generated requests (schemathesis) --------------------------------------------------------------------------------


class ExistingIds:
    """Replaces generated ids by existing ones in seven of eight requests, so that not all of them are a 404."""

    def __init__(self, app: Flask) -> None:
        self.shopper = Person(app.test_client(), "north")
        self.order = self.shopper.checkout(self.shopper.cart(beans=1)).json["id"]
        self.ordered = self.shopper.cart(honey=1)
        self.shopper.checkout(self.ordered)

    def replace_in(self, parameters: dict[str, Any]) -> dict[str, Any]:
        choice = choice_of(parameters)
        if choice == 0:
            return parameters
        product = ("cup", "beans")[choice % 2]
        existing = {
            "cart_id": lambda: self.ordered if choice == 1 else self.shopper.cart(beans=1, cup=1),
            "product_id": lambda: product,
            "variant_id": lambda: product,
            "order_id": lambda: self.order,
        }
        return {name: existing[name]() if name in existing else value for name, value in parameters.items()}


def choice_of(generated: Any) -> int:
    """One of 0 to 7, by the content: a count of requests may follow the order in which they are generated, and then all
    of an operation would get the same."""
    return sha256(repr(generated).encode()).digest()[0] % 8


def sellable(body: dict[str, Any]) -> dict[str, Any]:
    """A new product that a shop takes, of a body that the document allows. One with options and variants stays as it
    was generated, because they seldom fit each other; the document can't express that, nor which ids are in use, which
    languages there are, and which characters a text may have."""
    plain = {"id": f"made-{sha256(repr(body).encode()).hexdigest()[:16]}", "name": "Made", "description": "Made."}
    if body.get("options") and body.get("variants"):
        return body | {"id": plain["id"]}
    made = {name: value for name, value in body.items() if name not in ("options", "variants", "image")}
    tags = [f"tag {i}" for i in range(len(body.get("tags", ())))]
    return made | plain | {"category": "", "tags": tags, "stock": body.get("stock") or 0}


def whole_numbers(value: Any) -> Any:
    """Replace floats such as 5.0 by ints: JSON Schema accepts them as integers, the shop doesn't."""
    if isinstance(value, dict):
        return {name: whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


MAY_BE_REFUSED = {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}}
CONFIG: dict[str, Any] = {
    "seed": 5,
    "workers": 1,
    "headers": {"Accept-Encoding": "identity"},  # this client can't decompress
    "generation": {"max-examples": 15, "deterministic": True, "database": "none"},
    # the document can't express which codes are valid, nor the limit of 999 for the sum of a product's quantities
    "operations": [
        {"include-name": f"{call} /api/v1/carts{path}", "checks": MAY_BE_REFUSED}
        for call, path in (("PUT", "/{cart_id}/promo"), ("POST", ""), ("POST", "/{cart_id}/items"))
    ]
    # nor which countries there are, and what a shop needs to deliver
    + [
        {"include-name": f"{call} /api/v1/carts/{{cart_id}}/{path}", "checks": MAY_BE_REFUSED}
        for call, path in (("GET", "shipping"), ("POST", "checkout"))
    ]
    # nor which characters a reference may have
    + [{"include-name": "POST /api/v1/orders/{order_id}/paid", "checks": MAY_BE_REFUSED}]
    # nor which languages and ids a product may have, and which characters a text
    + [
        {"include-name": f"POST /api/v1/orders/{{order_id}}/{act}", "checks": MAY_BE_REFUSED}
        for act in ("fulfil", "cancel", "paid", "refunds")
    ]
    + [
        {"include-name": f"{call} /api/v1/products{path}", "checks": MAY_BE_REFUSED}
        for call, path in (("POST", ""), ("PATCH", "/{product_id}"), ("PATCH", "/{product_id}/variants/{variant_id}"))
    ]
    # a shopper can't find a product that was created as a draft
    + [
        {
            "include-name": "GET /api/v1/products/{product_id}",
            "checks": {"ensure_resource_availability": {"enabled": False}},
        }
    ],
}


@pytest.fixture
def api(app: Flask) -> BaseSchema:
    """The schema of `north` for a key with all scopes. Generated ids are often replaced by existing ones."""

    @app.before_request
    def change_another_product() -> None:
        """Products of the carts must stay on sale. No hook of schemathesis sees all requests of a schema."""
        if request.method == "PATCH" and request.view_args:
            request.view_args |= {name: "honey" for name, id in request.view_args.items() if id in ("cup", "beans")}

    config = CONFIG | {"headers": {**CONFIG["headers"], **bearer(api_key(app, "north", *SCOPES))}}
    schema = schemathesis.openapi.from_wsgi(f"/t/north{DOCUMENT}", app, config=schemathesis.Config.from_dict(config))
    existing_ids = ExistingIds(app)
    new_product = jsonschema_rs.Draft202012Validator(
        {"$ref": "#/components/schemas/NewProduct", "components": schema.raw_schema["components"]}
    )

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: Any) -> Any:
        return existing_ids.replace_in(path_parameters) if path_parameters else path_parameters

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        body = whole_numbers(body)
        if isinstance(body, dict) and isinstance(body.get("product_id"), str) and 0 < len(body["product_id"]) <= 64:
            return existing_ids.replace_in(body)
        if isinstance(body, dict) and isinstance(body.get("code"), str) and 0 < len(body["code"]) <= 40:
            return body | {"code": "summer10"} if choice_of(body) % 4 else body
        is_product = isinstance(body, dict) and context.operation.label == "POST /api/v1/products"
        return sellable(body) if is_product and new_product.is_valid(body) else body

    return schema


@sqlite_only
def test_generated_valid_and_invalid_requests_find_no_error(api: BaseSchema):
    findings: dict[str, str] = {}
    response_counts: Counter[tuple[str, int]] = Counter()
    for event in from_schema(api).execute():
        if isinstance(event, NonFatalError | FatalError):
            findings[f"error {event.id}"] = str(event.info if hasattr(event, "info") else event.exception)
        if not isinstance(event, ScenarioFinished):
            continue
        recorder = event.recorder
        for id, interaction in recorder.interactions.items():
            response_counts[recorder.cases[id].value.operation.label, interaction.response.status_code] += 1
        for id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info:
                    failure = check.failure_info.failure
                    label = recorder.cases[id].value.operation.label
                    code_sample = check.failure_info.code_sample
                    response = recorder.interactions[id].response
                    description = (
                        f"{failure.title}: {failure.message}\n{code_sample}\n{response.status_code} {response.text}"
                    )
                    findings.setdefault(f"{label}: {check.name}", description)
    assert not findings, "\n\n".join(f"{label}\n{description}" for label, description in findings.items())
    operations = [operation.ok() for operation in api.get_all_operations()]  # type: ignore[union-attr]
    reached = {label for label, status in response_counts if status < 300}
    assert reached == {operation.label for operation in operations}, "some operations never succeeded"
    assert sum(response_counts.values()) > 400


def test_document_in_docs_is_current(app: Flask):
    """Update it with `flask --app storefront openapi > docs/openapi.json`."""
    stored = Path(__file__).parent.parent / "docs" / "openapi.json"
    assert app.test_cli_runner().invoke(args=["openapi"]).output == stored.read_text(encoding="utf-8")
