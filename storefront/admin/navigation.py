"""The back office's sections, as its navigation lists them."""

from typing import NamedTuple

from flask import current_app, request, url_for

from storefront.i18n.gettext import N_, _
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in


class Section(NamedTuple):
    """A section: the endpoint of its first page, and the permission to see it. `icon` is one of `admin/_icons.html`."""

    endpoint: str
    label: str
    permission: Permission
    icon: str


class SectionLink(NamedTuple):
    """A section as this request shows it."""

    url: str
    label: str
    icon: str
    is_current: bool


HOME = "admin.home"
SECTIONS = (
    Section(HOME, N_("Home"), Permission.ORDERS_READ, "home"),
    Section("admin.orders", N_("Orders"), Permission.ORDERS_READ, "orders"),
    Section("admin.products", N_("Products"), Permission.CATALOG_READ, "products"),
    Section("admin.upsell", N_("Suggestions"), Permission.UPSELL_READ, "suggestions"),
    Section("admin.mails", N_("Emails"), Permission.ORDERS_READ, "mail"),
    Section("admin.settings", N_("Settings"), Permission.SETTINGS_WRITE, "settings"),
    Section("staff.people", N_("People"), Permission.STAFF_WRITE, "people"),
    Section("staff.keys", N_("API keys"), Permission.KEYS_WRITE, "keys"),
    Section("admin.audit", N_("Audit log"), Permission.AUDIT_READ, "audit"),
    Section("staff.account", N_("Your account"), Permission.ACCOUNT, "account"),
)


def sections() -> list[SectionLink]:
    """Return the sections that the person may see, the request's own marked. One without a page yet is left out."""
    may = signed_in().may
    return [
        link_to(section)
        for section in SECTIONS
        if section.endpoint in current_app.view_functions and may(section.permission)
    ]


def link_to(section: Section) -> SectionLink:
    url = url_for(section.endpoint)
    here = request.script_root + request.path
    is_current = here == url or (section.endpoint != HOME and here.startswith(url + "/"))
    return SectionLink(url, _(section.label), section.icon, is_current)
