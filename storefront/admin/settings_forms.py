"""The forms of settings: what they were opened with, what was typed, and what somebody else has stored meanwhile.

A form's values are texts by field. A list of rows, such as the steps of a price, is one text with a line a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

from flask import flash, redirect, request
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response

from storefront.catalog.shop_settings import SettingsConflict
from storefront.db.base import db
from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.gettext import _
from storefront.tenants.context import current_tenant
from storefront.tenants.models import Tenant
from storefront.web.validation_messages import error_message

Values = Mapping[str, str]
WAS = "was_"
"""Begins the name of the hidden field with the fingerprint of the value that a form was opened with."""
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class FormState:
    """What a form shows. `theirs` are values that somebody else has stored since it was opened."""

    values: Values
    was: Values
    theirs: Values = field(default_factory=dict)
    errors: Values = field(default_factory=dict)
    message: str = ""


def fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def form_state(stored: Values, typed: Values | None = None, refusal: Refusal | None = None) -> FormState:
    """Return the state of a form with what is stored; after a refusal with what was typed."""
    was = {name: fingerprint(value) for name, value in stored.items()}
    if refusal is None or typed is None:
        return FormState(stored, was)
    if isinstance(refusal, Invalid):
        errors: dict[str, str] = {}
        for fault in refusal.field_errors:
            errors.setdefault(fault.field, fault.message)
        return FormState({**stored, **typed}, was | opened_with(), errors=errors)
    theirs = refusal.current if isinstance(refusal, SettingsConflict) else {}
    # A field that was left alone shows what is stored now, so that saving again doesn't undo somebody else's change.
    own = {name: value for name, value in typed.items() if fingerprint(value) != opened_with().get(name)}
    return FormState({**stored, **own}, was, theirs, message=refusal.detail)


def opened_with() -> dict[str, str]:
    """Return the fingerprints of the values with which the sent form was opened."""
    return {name.removeprefix(WAS): value for name, value in request.form.items() if name.startswith(WAS)}


def merged(stored: Values, typed: Values, was: Values) -> dict[str, str]:
    """Return what is stored with the fields that were changed in the form. Raises `SettingsConflict` if somebody else
    changed one of them meanwhile."""
    changed = {name: value for name, value in typed.items() if fingerprint(value) != was.get(name)}
    theirs = {
        name: stored.get(name, "")
        for name, value in changed.items()
        if name in was and was[name] != fingerprint(stored.get(name, "")) and stored.get(name, "") != value
    }
    if theirs:
        raise SettingsConflict(theirs)
    return {**stored, **changed}


def text_of(name: str) -> str:
    """Return a text of the sent form with the line ends of Unix; browsers send others."""
    return request.form.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()


def rows_of(*names: str, count: int) -> str:
    """Return the rows of the sent form's fields `<name>_<number>`, a line each with its values separated by tabs."""
    rows = [[" ".join(text_of(f"{name}_{number}").split()) for name in names] for number in range(count)]
    return "\n".join("\t".join(row) for row in rows if any(row))


def split_rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.split("\n") if line]


def checked(model: type[Model], sent: Mapping[str, Any], labels: Values, messages: Values) -> Model:
    """Return the settings, checked as those of a catalogue file. `labels` are the names of fields as the page shows
    them, `messages` what is wrong with a value that is none of its kind. Raises `Invalid`."""
    try:
        return model.model_validate(sent)
    except ValidationError as found:
        raise Invalid(*(field_fault(fault, labels, messages) for fault in found.errors(include_url=False))) from None


def field_fault(fault: Any, labels: Values, messages: Values) -> FieldError:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "value_error" and name in messages:
        return FieldError(name, messages[name])
    return FieldError(name, error_message(fault, labels.get(name, name)))


def schema_faults(faults: Sequence[str], messages: Values) -> None:
    """Raises `Invalid` for faults of the catalogue's schema that span several fields. Each begins with its field."""
    names = dict.fromkeys(fault.partition(":")[0].partition(",")[0] for fault in faults)
    if names:
        raise Invalid(*(FieldError(name, messages.get(name, _("This isn't valid."))) for name in names))


def stored_row() -> Tenant:
    """Return the current shop as it is stored now; what requests remember may be a second old."""
    return db.session.get_one(Tenant, current_tenant().id, populate_existing=True)


def save_form(act: Callable[[], None], show: Callable[[Refusal], Response], url: str) -> Response:
    """Save a form, and lead back to its page; show it again after a refusal."""
    try:
        act()
    except (Invalid, SettingsConflict) as refusal:
        return show(refusal)
    flash(_("Saved."), "success")
    return redirect(url, 303)
