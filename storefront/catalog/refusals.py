"""Refusals of changes of products."""

from collections.abc import Mapping
from typing import Any

from storefront.errors import Conflict, Refusal
from storefront.i18n.gettext import N_, _


class ProductChanged(Refusal):
    """The product isn't any more what the client's `If-Match` names."""

    status = 412
    type = "product-changed"
    title = N_("The product has changed")

    def __init__(self) -> None:
        super().__init__(_("This product was changed after you read it. Read it again, and repeat your change."))


class EditConflict(Conflict):
    """Fields that a person has changed in a form were also changed in the database since the form was opened. `current`
    has the stored values by field.

    If only the stock differs, the message mentions nobody, because it was most likely an order."""

    type = "edit-conflict"
    title = N_("Somebody else changed this product")

    def __init__(self, current: Mapping[str, Any]) -> None:
        super().__init__(
            _("The stock changed meanwhile. Nothing is lost: compare, then save again.")
            if all(name.partition("_")[0] == "stock" for name in current)
            else _(
                "Somebody else changed this product while you were editing. Nothing is lost: compare, then save again."
            )
        )
        self.current = current
