"""The audit trail by the API: the shop's events, with who made them."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from storefront.clock import rfc3339
from storefront.events.actors import ActorType
from storefront.events.queries import audit_events_after
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.web.openapi import MAX_SAFE_INTEGER, ResponseModel, api_blueprint, parse_integer, responses, spec

api = api_blueprint("audit_api", __name__)


class EventActor(ResponseModel):
    type: Annotated[str, Field(json_schema_extra={"enum": [*ActorType]})]
    id: Annotated[str | None, Field(description="of a person or a key")]
    name: Annotated[str | None, Field(description="as it was then")]


class AuditEvent(ResponseModel):
    id: Annotated[int, Field(description="grows by one from event to event of a shop")]
    type: str
    subject: Annotated[str, Field(description="the id of what was changed")]
    data: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    actor: Annotated[EventActor | None, Field(description="null for events of earlier versions")]
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]

    @classmethod
    def of(cls, row: Any) -> "AuditEvent":
        actor = EventActor(type=row.actor_type, id=row.actor_id, name=row.actor_name) if row.actor_type else None
        return cls(
            id=row.id,
            type=row.type,
            subject=row.subject,
            data=row.data,
            before=row.before,
            after=row.after,
            actor=actor,
            created_at=rfc3339(row.created_at),
        )


class AuditEventList(ResponseModel):
    items: list[AuditEvent]


class AuditQuery(BaseModel):
    after: Annotated[
        int,
        Field(ge=0, le=MAX_SAFE_INTEGER, description="the id of the last event that is known"),
        BeforeValidator(parse_integer),
    ] = 0
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(parse_integer)] = 20


@api.get("/events")
@requires(Permission.AUDIT_READ)
@spec.validate(resp=responses(200, AuditEventList, 401, 403, 422), tags=["staff"])
def list_events(query: AuditQuery) -> AuditEventList:
    """The shop's events in order, without those in the archive."""
    return AuditEventList(items=[AuditEvent.of(row) for row in audit_events_after(query.after, query.limit)])
