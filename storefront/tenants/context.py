"""The tenant of the current request."""

from flask import g

from storefront.tenants.settings import TenantSettings


def current_tenant() -> TenantSettings:
    """Return the tenant of the current request; in a shop's blueprints there always is one."""
    tenant: TenantSettings = g.tenant
    return tenant


def label(name: str) -> str:
    """Return the translated name of a category or tag of the current shop."""
    return current_tenant().label(name)


def is_in_eu() -> bool:
    """Whether the current shop is in the European Union."""
    return current_tenant().is_in_eu
