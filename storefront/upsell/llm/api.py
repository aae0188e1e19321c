"""The LLM call log in the JSON API, for staff."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from storefront.clock import rfc3339
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.upsell.llm.models import CallPurpose
from storefront.upsell.llm.queries import calls_before
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

api = api_blueprint("upsell_calls_api", __name__)


STORED_FIELDS = (
    *("id", "purpose", "model", "prompt_version", "language", "prompt", "response"),
    *("prompt_tokens", "completion_tokens", "cost_micros", "latency_ms", "outcome", "rejections"),
)


class KeptSuggestion(ResponseModel):
    product_id: str
    explanation: str


class LlmCall(ResponseModel):
    """A call without its cart's id, because that id opens the cart."""

    id: str
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    purpose: Annotated[str, Field(json_schema_extra={"enum": [*CallPurpose]})]
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
    rejections: Annotated[dict[str, int], Field(description="by cause, how much of the answer was not to be shown")]
    suggestions: Annotated[list[KeptSuggestion], Field(description="what was kept of the answer")]

    @classmethod
    def of(cls, row: Any) -> "LlmCall":
        return cls(
            created_at=rfc3339(row.created_at),
            suggestions=[KeptSuggestion(**entry) for entry in row.suggestions],
            **{name: getattr(row, name) for name in STORED_FIELDS},
        )


class LlmCallList(ResponseModel):
    items: list[LlmCall]
    next_cursor: str | None


class LlmCallsQuery(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(parse_integer)] = 20
    cursor: Cursor = ""


@api.get("/upsell/calls")
@requires(Permission.UPSELL_READ)
@spec.validate(resp=responses(200, LlmCallList, 401, 403, 422), tags=["suggestions"])
def list_calls(query: LlmCallsQuery) -> LlmCallList:
    """What the model was asked and what it answered, the latest first."""
    found = calls_before(decode_cursor(query.cursor, 2**63 - 1), query.limit + 1)
    page = found[: query.limit]
    return LlmCallList(
        items=[LlmCall.of(row) for row in page],
        next_cursor=encode_cursor(page[-1].sort_id) if len(found) > query.limit else None,
    )
