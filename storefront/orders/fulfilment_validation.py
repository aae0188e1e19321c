"""Validation of what the staff enter about an order: shipment, reason for a cancellation, note."""

from dataclasses import dataclass

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import has_control, has_visible, single_line

MAX_CARRIER_LENGTH = 60
MAX_TRACKING_LENGTH = 100
MAX_REASON_LENGTH = 500
MAX_NOTE_LENGTH = 2000


@dataclass(frozen=True)
class Shipment:
    """By whom an order is shipped, and under which number. Create it with `check_shipment`."""

    carrier: str | None = None
    tracking: str | None = None

    def members(self) -> dict[str, str | None]:
        return {"carrier": self.carrier, "tracking": self.tracking}


def check_shipment(carrier: str, tracking: str) -> Shipment:
    """Return the normalised shipment; both may be empty. Raises `Invalid` with a message for each invalid field."""
    given = {"carrier": (carrier, MAX_CARRIER_LENGTH), "tracking": (tracking, MAX_TRACKING_LENGTH)}
    faults = [fault for field, (text, most) in given.items() if (fault := text_fault(field, text, most))]
    if faults:
        raise Invalid(*faults)
    return Shipment(single_line(carrier) or None, single_line(tracking) or None)


def check_reason(reason: str) -> str:
    """Return the normalised reason for a cancellation, which may be empty. Raises `Invalid`."""
    if fault := text_fault("reason", reason, MAX_REASON_LENGTH):
        raise Invalid(fault)
    return single_line(reason)


def check_note(text: str) -> str:
    """Return the note, trimmed, its lines kept. Raises `Invalid`."""
    if not has_visible(text):
        raise Invalid(FieldError("note", _("Please enter a note.")))
    if fault := text_fault("note", text, MAX_NOTE_LENGTH):
        raise Invalid(fault)
    return text.strip()


def text_fault(field: str, text: str, max_length: int) -> FieldError | None:
    """Return what is wrong with a text of the staff; None if it is valid."""
    if has_control(text):
        return FieldError(field, _("This text can't contain control characters."))
    if len(single_line(text)) > max_length:
        return FieldError(field, _("This text can't be longer than %(most)s characters.", most=max_length))
    return None
