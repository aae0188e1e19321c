"""Validation messages: each error type that a model can raise has its own message."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from flask import Flask
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from storefront.catalog.import_schema import CatalogFile
from storefront.i18n.gettext import N_
from storefront.web import validation_messages
from storefront.web.validation_messages import MESSAGES, error_message
from tests.api_contract import assert_problem
from tests.conftest import Person

LIBRARY_MESSAGES = re.compile(
    r"Input should|Exceeds|invalid literal|should (have|be|match)|Field required|not permitted|Value error|valid \w+,"
)
ERRORS_BY_CONSTRAINT = {"ge": "greater_than_equal", "gt": "greater_than", "le": "less_than_equal", "lt": "less_than"}
ERRORS_BY_SCHEMA: dict[str, set[str]] = {
    "str": {"string_type", "string_unicode"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "bool": {"bool_type", "bool_parsing"},
    "literal": {"literal_error"},
    "enum": {"enum"},
    "any": set(),
    "datetime": {"datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"},
    "list": {"list_type"},
    "dict": {"dict_type"},
    "model": {"model_type", "model_attributes_type"},
    "model-field": {"missing"},
    "model-fields": {"model_type"},
    "function-before": {"value_error"},
    "function-after": {"value_error"},
    "nullable": set(),
    "default": set(),
    "definitions": set(),
    "definition-ref": set(),
}
"""The error types of each schema type. A missing schema type fails the test: add its error types."""
SKIPPED_KEYS = ("serialization", "metadata", "cls", "function", "ref", "schema_ref", "config")


def error_types(schema: Any) -> Iterator[str]:
    """Yield every error type that this core schema can raise."""
    if isinstance(schema, list):
        for inner in schema:
            yield from error_types(inner)
    if not isinstance(schema, dict):
        return
    if isinstance(schema_type := schema.get("type"), str):
        assert schema_type in ERRORS_BY_SCHEMA, f"unknown schema type {schema_type}"
        yield from ERRORS_BY_SCHEMA[schema_type]
        yield from (error for bound, error in ERRORS_BY_CONSTRAINT.items() if bound in schema)
        prefix = "string_" if schema_type == "str" else ""
        yield from (
            f"{prefix}too_{size}" for name, size in (("min", "short"), ("max", "long")) if f"{name}_length" in schema
        )
        if "pattern" in schema:
            yield "string_pattern_mismatch"
        if schema.get("extra_behavior") == "forbid":
            yield "extra_forbidden"
    for name, inner in schema.items():
        if name not in SKIPPED_KEYS:
            yield from error_types(inner)


def request_models(app: Flask) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = set()
    for view in app.view_functions.values():
        hints = get_type_hints(inspect.unwrap(view))
        found |= {hints[name] for name in ("query", "json", "headers", "cookies") if name in hints}
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_error_type_of_a_request_has_a_message(app: Flask):
    models = request_models(app)
    assert len(models) >= 8
    checked: list[type[BaseModel]] = [*models, CatalogFile]
    for model in checked:
        for error_type in error_types(TypeAdapter(model).core_schema):
            assert error_type in MESSAGES or error_type == "value_error", f"{model.__name__} can raise {error_type}"


def test_every_message_contains_its_field_and_values():
    context = {"min_length": 2, "max_length": 5, "gt": 1, "ge": 1, "lt": 9, "le": 9, "expected": "'a', 'b' or 'c'"}
    for error_type in (*MESSAGES, "an_error_of_the_next_version"):
        error: ErrorDetails = {
            "type": error_type,
            "loc": (),
            "msg": "Input should be better",
            "input": 0,
            "ctx": context,
        }
        text = error_message(error, "quantity")
        assert "quantity" in text
        assert text.endswith(".")
        assert "%(" not in text
        assert not LIBRARY_MESSAGES.search(text)
    assert error_message({"type": "unknown_type", "loc": (), "msg": "library", "input": 0}, "q") == "q is invalid."


def test_unknown_schema_type_fails():
    with pytest.raises(AssertionError, match="unknown schema type tuple"):
        list(error_types(TypeAdapter(tuple[int, ...]).core_schema))


def test_message_of_a_library_error_is_replaced():
    class Small(BaseModel):
        number: int

    with pytest.raises(ValidationError) as caught:
        Small.model_validate({"number": "x"})
    assert error_message(caught.value.errors()[0], "number") == "number must be a whole number."
    assert N_("x") == "x"
    assert validation_messages.UNKNOWN not in MESSAGES.values()


REFUSED: list[tuple[str, str, Any, str, str]] = [
    # method, path, body, field, message
    ("POST", "/carts", {"items": [{"product_id": "beans"}]}, "items.0.quantity", "items.0.quantity is required."),
    ("POST", "/carts", {"items": [{"product_id": 5, "quantity": 1}]}, "items.0.product_id", "must be a string."),
    ("POST", "/carts", {"items": [{"product_id": "", "quantity": 1}]}, "items.0.product_id", "must not be empty."),
    (
        "POST",
        "/carts",
        {"items": [{"product_id": "x" * 65, "quantity": 1}]},
        "items.0.product_id",
        "at most 64 characters long.",
    ),
    (
        "POST",
        "/carts",
        {"items": [{"product_id": "\ud83d", "quantity": 1}]},
        "items.0.product_id",
        "contains an invalid character.",
    ),
    ("POST", "/carts", {"items": [{"product_id": "beans", "quantity": 0}]}, "items.0.quantity", "must be at least 1."),
    (
        "POST",
        "/carts",
        {"items": [{"product_id": "beans", "quantity": 1000}]},
        "items.0.quantity",
        "must be at most 999.",
    ),
    (
        "POST",
        "/carts",
        {"items": [{"product_id": "beans", "quantity": "1"}]},
        "items.0.quantity",
        "must be a whole number.",
    ),
    (
        "POST",
        "/carts",
        {"items": [{"product_id": "beans", "quantity": 1.5}]},
        "items.0.quantity",
        "must be a whole number.",
    ),
    (
        "POST",
        "/carts",
        {"items": [{"product_id": "beans", "quantity": True}]},
        "items.0.quantity",
        "must be a whole number.",
    ),
    ("POST", "/carts", {"items": {}}, "items", "must be a list."),
    ("POST", "/carts", {"items": ["beans"]}, "items.0", "must be a JSON object."),
    ("POST", "/carts", {"items": [{"product_id": "beans", "quantity": 1}] * 101}, "items", "at most 100 entries."),
    ("POST", "/carts", {"colour": "red"}, "colour", "colour is not a known field."),
    ("POST", "/carts", [], "body", "The request body must be a JSON object."),
    ("GET", "/products?limit=0", None, "limit", "must be at least 1."),
    ("GET", "/products?limit=101", None, "limit", "must be at most 100."),
    ("GET", "/products?limit=many", None, "limit", "must be a whole number."),
    ("GET", f"/products?limit={'9' * 5000}", None, "limit", "limit must be"),
    ("GET", "/products?in_stock=perhaps", None, "in_stock", "must be true or false."),
    ("GET", f"/products?q={'x' * 201}", None, "q", "at most 200 characters long."),
    ("GET", "/products?cursor=nonsense", None, "cursor", "Send the `next_cursor` of the previous page"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_refused_request_has_the_shops_message(shopper: Person):
    for method, path, body, field, expected in REFUSED:
        problem = assert_problem(shopper.api(method, path, body), 422, field=field)
        message = next(error["message"] for error in problem["errors"] if error["field"] == field)
        assert expected in message, f"{path}: {message}"
        assert not LIBRARY_MESSAGES.search(problem["detail"]), problem["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_malformed_json_has_its_own_message(shopper: Person):
    answer = shopper.client.post("/t/north/api/v1/carts", data="{", content_type="application/json")
    assert assert_problem(answer, 400)["detail"] == "The request body is not valid JSON."
