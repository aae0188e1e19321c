"""The tenants as a process knows them: read from the database, remembered for a second."""

import time
from threading import Lock

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storefront.config import Settings
from storefront.database import db, table_of, write, writer
from storefront.tenants.models import SettingRow, Tenant, TenantRow

FRESH_FOR = 1.0
"""Seconds for which a snapshot serves; a switch is seen everywhere within this time."""
UPSELL_SWITCH = "upsell_enabled"


class Registry:
    """All tenants by id, in the order of their ids. One instance an app; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = Lock()
        self._read_at = 0.0
        self._tenants: dict[str, Tenant] = {}

    def find(self, tenant_id: str) -> Tenant | None:
        return self.all().get(tenant_id)

    def all(self) -> dict[str, Tenant]:
        """Needs an application context; the caller's session is not touched."""
        if time.monotonic() - self._read_at > FRESH_FOR:
            with self._lock:
                if time.monotonic() - self._read_at > FRESH_FOR:
                    self._tenants = self._load()
                    self._read_at = time.monotonic()
        return self._tenants

    def forget(self) -> None:
        """Read again at the next question: something has just been changed."""
        self._read_at = 0.0

    def _load(self) -> dict[str, Tenant]:
        with current_app.app_context():
            switch = db.session.get(SettingRow, UPSELL_SWITCH)
            enabled = self.settings.upsell_enabled if switch is None else switch.value == "on"
            rows = db.session.scalars(select(TenantRow).order_by(TenantRow.id))
            return {row.id: Tenant.of(row, enabled) for row in rows}


def registry() -> Registry:
    found: Registry = current_app.extensions["storefront_tenants"]
    return found


def switch_upsell(enabled: bool, tenant_id: str | None = None) -> None:
    """Turn suggestions on or off for one shop, or for all of them, which overrides what was said for one.

    Raises KeyError when there is no such tenant.
    """
    with write():
        if tenant_id is None:
            db.session.execute(update(TenantRow).values(upsell_enabled=None))
            db.session.execute(delete(SettingRow).where(SettingRow.name == UPSELL_SWITCH))
            db.session.add(SettingRow(name=UPSELL_SWITCH, value="on" if enabled else "off"))
        else:
            row = db.session.get(TenantRow, tenant_id)
            if row is None:
                raise KeyError(tenant_id)
            row.upsell_enabled = enabled
    registry().forget()


def put_setting(name: str, value: str, only_over_less_than: str | None = None) -> bool:
    """Store a setting, inside `write()`; given a limit, only if there is none of this name or its value sorts before
    the limit. Returns whether it was stored."""
    table, dialect = table_of(SettingRow), sqlite if writer().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(name=name, value=value)
    condition = None if only_over_less_than is None else table.c.value < only_over_less_than
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"value": statement.excluded.value}, where=condition
    )
    return bool(writer().execute(statement.execution_options(preserve_rowcount=True)).rowcount)
