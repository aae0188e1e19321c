"""Showing a form again after a refusal, with what was typed and a message at each field."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from storefront.errors import Invalid, Refusal
from storefront.web.htmx import no_store, render_page

SECRET_FIELDS = ("password", "current_password", "code")
"""Fields that are never shown again."""


def render_form(template: str, refusal: Refusal | None = None, **context: Any) -> Response:
    """Render a page with a form. `refusal`: why what was sent can't be done; its status is the response's."""
    errors: Mapping[str, str] = {}
    if isinstance(refusal, Invalid):
        errors = {fault.field: fault.message for fault in refusal.field_errors}
    typed = {name: value for name, value in request.form.items() if name not in SECRET_FIELDS} if refusal else {}
    return no_store(
        render_page(
            template,
            http_status=refusal.status if refusal else 200,
            errors=errors,
            message="" if refusal is None or errors else refusal.detail,
            form=typed,
            **context,
        )
    )
