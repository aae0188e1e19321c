"""What each scope of an API key allows, in the reader's language."""

from storefront.i18n.gettext import _
from storefront.staff.permissions import Permission


def scope_descriptions() -> dict[str, str]:
    return {
        Permission.ORDERS_READ: _("See orders"),
        Permission.ORDERS_WRITE: _("Ship and cancel orders"),
        Permission.REFUNDS_WRITE: _("Refund orders"),
        Permission.CATALOG_WRITE: _("Change products, prices and stock"),
        Permission.UPSELL_READ: _("See suggestions and what they earn"),
        Permission.UPSELL_WRITE: _("Change suggestions"),
        Permission.SETTINGS_WRITE: _("Change the shop's settings"),
        Permission.STAFF_WRITE: _("Manage people"),
        Permission.KEYS_WRITE: _("Manage API keys"),
        Permission.WEBHOOKS_WRITE: _("Manage webhooks"),
        Permission.AUDIT_READ: _("Read the audit log"),
        Permission.CUSTOMERS_EXPORT: _("Export a customer's data"),
        Permission.CUSTOMERS_ERASE: _("Erase a customer's data"),
    }
