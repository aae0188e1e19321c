"""The tenant that the current application context acts for, and PostgreSQL's row-level security setting."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, g
from sqlalchemy import Connection
from sqlalchemy.exc import DontWrapMixin

TENANT_SETTING = "storefront.tenant_id"
"""The PostgreSQL setting that the row-level policies compare with."""
SET_TENANT = f"set_config('{TENANT_SETTING}', %s, true)"


class TenantNotSet(DontWrapMixin, RuntimeError):
    """A tenant's rows were requested without a tenant."""


def current_tenant_id() -> str:
    """The tenant that this application context acts for; raises `TenantNotSet`."""
    tenant_id: str | None = g.get("tenant_id")
    if tenant_id is None:
        raise TenantNotSet("a tenant's rows were requested outside a tenant")
    return tenant_id


@contextmanager
def tenant_context(tenant_id: str) -> Iterator[None]:
    """An application context of its own, with its own session, that acts for this tenant: for commands and threads."""
    with current_app.app_context():
        g.tenant_id = tenant_id
        yield


def set_rls_tenant(connection: Connection, tenant_id: str) -> None:
    """Have the running transaction act for this tenant instead of the context's. Nothing to do on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT {SET_TENANT}", (tenant_id,))
