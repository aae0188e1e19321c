"""Permissions and roles. A role is a set of permissions; most permissions are also scopes of API keys."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """What a person or an API key may do. A view that names another one fails when it is imported."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    REFUNDS_WRITE = "refunds:write"
    CATALOG_WRITE = "catalog:write"
    UPSELL_READ = "upsell:read"
    UPSELL_WRITE = "upsell:write"
    SETTINGS_WRITE = "settings:write"
    STAFF_WRITE = "staff:write"
    KEYS_WRITE = "keys:write"
    WEBHOOKS_WRITE = "webhooks:write"
    AUDIT_READ = "audit:read"
    CUSTOMERS_EXPORT = "customers:export"
    CUSTOMERS_ERASE = "customers:erase"
    CUSTOMERS_READ = "customers:read"
    """See shoppers' names and e-mail addresses on pages."""
    CATALOG_READ = "catalog:read"
    """See products on pages, also those that aren't on sale, with their history."""
    ACCOUNT = "account"
    """One's own password, second factor and sessions: every person has it."""


SCOPES = frozenset(Permission) - {Permission.CUSTOMERS_READ, Permission.CATALOG_READ, Permission.ACCOUNT}
"""What an API key may be given."""


class Role(StrEnum):
    """A person's role in one shop, the most powerful first."""

    OWNER = "owner"
    MANAGER = "manager"
    CLERK = "clerk"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """0 for the most powerful role."""
        return list(Role).index(self)


ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: frozenset(Permission) - {Permission.STAFF_WRITE, Permission.KEYS_WRITE, Permission.CUSTOMERS_ERASE},
    Role.CLERK: frozenset(
        {
            Permission.ORDERS_READ,
            Permission.ORDERS_WRITE,
            Permission.REFUNDS_WRITE,
            Permission.CUSTOMERS_READ,
            Permission.ACCOUNT,
        }
    ),
    Role.VIEWER: frozenset(
        {
            Permission.ORDERS_READ,
            Permission.CATALOG_READ,
            Permission.UPSELL_READ,
            Permission.AUDIT_READ,
            Permission.ACCOUNT,
        }
    ),
}
