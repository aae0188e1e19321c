"""The JSON API's base: the generated OpenAPI document, request validation, cursors, and shared models such as problem
details."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import Annotated, Any, Self, cast

import click
from flask import Blueprint, Flask, Response, jsonify, request
from flask.cli import with_appcontext
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import ErrorDetails
from spectree import Response as Answers
from spectree import SpecTree
from spectree.model_adapter.pydantic_adapter import PydanticModelAdapter
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from storefront import errors
from storefront.errors import Invalid, Refusal
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import cut
from storefront.outside_json import check_levels
from storefront.web.compression import share
from storefront.web.fragment_cache import share_page
from storefront.web.htmx import render_page
from storefront.web.validation_messages import error_message

PREFIX = "/api/v1"
MAX_FIELD_LENGTH = 200
"""Characters of a field's name in an error, because a body may have field names of any length."""
MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser represents exactly."""


class ResponseModel(BaseModel):
    """The base of response bodies."""

    model_config = ConfigDict(from_attributes=True)


class PreserializedModel(ResponseModel):
    """A model that is already serialised to JSON (`raw_json`) and is sent unchanged."""

    raw_json: bytes

    @classmethod
    def from_json(cls, raw_json: bytes) -> Self:
        return cast(Self, cls.model_construct(raw_json=raw_json))


class RawJsonAdapter(PydanticModelAdapter):
    """The serialiser of spectree, which would parse and validate a `PreserializedModel` again."""

    def dump_json(self, value: Any) -> bytes:
        return value.raw_json if isinstance(value, PreserializedModel) else super().dump_json(value)


class RequestModel(BaseModel):
    """The base of request bodies: strict types, unknown fields are rejected."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Money(ResponseModel):
    amount: Annotated[int, Field(description="in minor units (ISO 4217)")]
    currency: str


class FieldError(ResponseModel):
    field: str
    message: str


class Shortage(ResponseModel):
    product_id: str
    requested: int
    available: int
    variant_id: Annotated[str | None, Field(description="of a product with options")] = None


class Problem(ResponseModel):
    """RFC 9457 problem details. `errors` comes with 422, `items` with /out-of-stock, `total` with /price-changed."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    items: list[Shortage] | None = None
    total: Money | None = None


CURSOR = r"^([A-Za-z0-9_-]{11})?$"


def check_cursor(value: str) -> str:
    if not re.fullmatch(CURSOR, value):
        raise ValueError(_("Invalid cursor. Send the `next_cursor` of the previous page unchanged."))
    return value


Cursor = Annotated[
    str,
    AfterValidator(check_cursor),
    Field(description="`next_cursor` of the previous page", json_schema_extra={"pattern": CURSOR}),
]


def encode_cursor(position: int) -> str:
    return urlsafe_b64encode(position.to_bytes(8)).decode().rstrip("=")


def decode_cursor(cursor: str, start: int) -> int:
    """Return the position that a cursor encodes; `start` if it is empty."""
    return int.from_bytes(urlsafe_b64decode(cursor + "="), signed=True) if cursor else start


def parse_integer(value: object) -> object:
    """Convert a query's string to an integer; other values are returned unchanged for pydantic to reject."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value


def parse_flag(value: object) -> object:
    """Convert a query's string to a bool; other values are returned unchanged for pydantic to reject."""
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    return value


spec = SpecTree(
    "flask",
    title="Storefront API",
    version="1",
    description=(
        "One shop's catalogue, carts, checkout and orders. Amounts are integers in the currency's minor unit. "
        "Errors are RFC 9457 problem+json: 400 for a body that isn't JSON, 422 for one whose fields are invalid. "
        "A quantity is 1 to 999 a line; a cart has at most 100 lines."
    ),
    annotations=True,
    mode="strict",
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_model=Problem,
    model_adapter=cast(Any, RawJsonAdapter()),
)


def responses(success: int | tuple[int, ...], shape: type[BaseModel], *refusals: int) -> Answers:
    """Declare a call's responses: its success, and problem details for `refusals` and for 429 and 503."""
    good = success if isinstance(success, tuple) else (success,)
    statuses = dict.fromkeys((*refusals, 429, 503), Problem) | dict.fromkeys(good, shape)
    return Answers(**{f"HTTP_{status}": model for status, model in statuses.items()})


def api_blueprint(name: str, import_name: str) -> Blueprint:
    blueprint = Blueprint(name, import_name, url_prefix=PREFIX)
    blueprint.before_request(check_body)
    return blueprint


def check_body() -> None:
    """Require a JSON object as body. Raises `UnsupportedMediaType` (415), `InvalidJson` (400) or `Invalid` (422)."""
    if request.method not in ("POST", "PUT", "PATCH") or not has_body():
        return
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        content = request.get_json()
        check_levels(content)
    except (BadRequest, RecursionError, ValueError):
        raise InvalidJson from None
    if not isinstance(content, dict):
        raise Invalid(errors.FieldError("body", _("The request body must be a JSON object.")))


def has_body() -> bool:
    return bool(request.content_length or request.headers.get("Transfer-Encoding"))


class InvalidJson(Refusal):
    type = "bad-request"

    def __init__(self) -> None:
        super().__init__(_("The request body is not valid JSON."))


def raise_validation_errors(request: Any, response: Any, fault: Any, _instance: Any, _adapter: Any) -> None:
    """Convert validation errors to `Invalid`, with our messages; spectree calls this before the view."""
    if fault is not None:
        raise Invalid(*(field_error(one) for one in fault.errors(include_url=False, include_input=False)))


def field_error(fault: ErrorDetails) -> errors.FieldError:
    field = cut(".".join(str(part) for part in fault["loc"] if part != ""), MAX_FIELD_LENGTH) or "body"
    return errors.FieldError(field, error_message(fault, field))


spec.before = raise_validation_errors
openapi_blueprint = Blueprint("api", __name__, url_prefix=PREFIX)


@openapi_blueprint.get("/openapi.json")
def openapi() -> Response:
    share()
    response = jsonify(openapi_document() | {"servers": [{"url": request.script_root or "/"}]})
    response.cache_control.no_cache = True
    return response


@openapi_blueprint.get("/docs")
def docs() -> Response:
    share_page()
    return render_page("api/docs.html", spec=openapi_document())


@cache
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the app, with problem+json as the media type of errors."""
    document: dict[str, Any] = spec.spec
    for path in document["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = is_body_required(document, operation["requestBody"])
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and "content" in answer:
                    answer["content"] = {"application/problem+json": next(iter(answer["content"].values()))}
    return document


def is_body_required(document: dict[str, Any], body: dict[str, Any]) -> bool:
    """Whether the body has a required member; otherwise the body itself is optional."""
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return bool(document["components"]["schemas"][name].get("required"))


def init_app(app: Flask) -> None:
    spec.app = app
    app.cli.add_command(print_document)


@click.command("openapi")
@with_appcontext
def print_document() -> None:
    """Print the OpenAPI document, as stored in docs/openapi.json."""
    click.echo(json.dumps(openapi_document(), indent=1, ensure_ascii=False))
