"""The names of roles in the reader's language, and what each may do."""

from storefront.i18n.gettext import _
from storefront.staff.permissions import Role


def role_names() -> dict[str, str]:
    return {
        Role.OWNER: _("Owner"),
        Role.MANAGER: _("Manager"),
        Role.CLERK: _("Clerk"),
        Role.VIEWER: _("Viewer"),
    }


def role_name(role: str) -> str:
    return role_names()[role]


def role_descriptions() -> dict[str, str]:
    return {
        Role.OWNER: _("Everything, including people and API keys."),
        Role.MANAGER: _("Everything except people, API keys and deletion."),
        Role.CLERK: _("Orders: see, ship and cancel them."),
        Role.VIEWER: _("See orders, products and reports, without customers' names and email addresses."),
    }
