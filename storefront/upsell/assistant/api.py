"""The journal of the model's calls, for the staff's programs."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from storefront.clock import rfc3339
from storefront.upsell.assistant.models import calls_before
from storefront.web.openapi import (
    Cursor,
    ResponseModel,
    api_blueprint,
    decode_cursor,
    encode_cursor,
    parse_integer,
    responses,
    spec,
)
from storefront.web.security import staff_only

api = api_blueprint("upsell_calls_api", __name__)


AS_STORED = (
    *("id", "model", "prompt_version", "language", "prompt", "response"),
    *("prompt_tokens", "completion_tokens", "latency_ms", "outcome", "dropped"),
)


class Kept(ResponseModel):
    product_id: str
    explanation: str


class CallShape(ResponseModel):
    """A call as staff read it: without the cart that it was about, because who has a cart's id has the cart."""

    id: str
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    model: str
    prompt_version: str
    language: str
    prompt: str
    response: str
    prompt_tokens: int
    completion_tokens: int
    cost_micros: Annotated[int | None, Field(description="millionths of UPSELL_CURRENCY; null without a price")]
    latency_ms: int
    outcome: Annotated[str, Field(description='"ok", or the cause why there was no answer')]
    dropped: Annotated[dict[str, int], Field(description="by cause, how much of the answer was not to be shown")]
    suggestions: Annotated[list[Kept], Field(description="what was kept of the answer")]

    @classmethod
    def of(cls, row: Any) -> "CallShape":
        return cls(
            created_at=rfc3339(row.created_at),
            cost_micros=row.cost,
            suggestions=[Kept(**one) for one in row.suggestions],
            **{name: getattr(row, name) for name in AS_STORED},
        )


class CallList(ResponseModel):
    items: list[CallShape]
    next_cursor: str | None


class CallsQuery(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(parse_integer)] = 20
    cursor: Cursor = ""


@api.get("/upsell/calls")
@staff_only
@spec.validate(resp=responses(200, CallList, 401, 422), tags=["suggestions"])
def list_calls(query: CallsQuery) -> CallList:
    """What the model was asked and what it answered, the latest first."""
    found = calls_before(decode_cursor(query.cursor, 2**63 - 1), query.limit + 1)
    page = found[: query.limit]
    return CallList(
        items=[CallShape.of(row) for row in page],
        next_cursor=encode_cursor(page[-1].place) if len(found) > query.limit else None,
    )
