"""The tenants as a process knows them: read from the database, remembered for a second."""

import math
import time
from threading import Lock

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storefront.config import Settings
from storefront.db.base import db, table_of
from storefront.db.transactions import write, write_connection
from storefront.tenants.models import Setting, Tenant
from storefront.tenants.settings import TenantSettings

MAX_WAIT, MAX_AGE = 0.25, 30.0
"""Seconds that a request waits while another one reads, and the age in seconds up to which the last snapshot serves it
after that: a database that hangs must not hold up all shops at this point."""
UPSELL_SETTING = "upsell_enabled"


NEVER_READ = -math.inf


class Registry:
    """All tenants by id, in the order of their ids. One instance an app; safe to share between threads."""

    def __init__(self, settings: Settings, snapshot_ttl_seconds: float) -> None:
        self.settings = settings
        self.snapshot_ttl_seconds = snapshot_ttl_seconds
        self._lock = Lock()
        self._read_at = NEVER_READ
        self._changes = 0
        self._tenants: dict[str, TenantSettings] = {}

    def find(self, tenant_id: str) -> TenantSettings | None:
        return self.all().get(tenant_id)

    def all(self) -> dict[str, TenantSettings]:
        """Needs an application context; the caller's session is not touched. One thread at a time reads; when that
        takes long, the others go on with the last snapshot."""
        age = time.monotonic() - self._read_at
        if age > self.snapshot_ttl_seconds and self._lock.acquire(timeout=MAX_WAIT if age < MAX_AGE else -1):
            try:
                if time.monotonic() - self._read_at > self.snapshot_ttl_seconds:
                    self._read()
            finally:
                self._lock.release()
        return self._tenants

    def invalidate(self) -> None:
        """Read again at the next question: something has just been changed."""
        self._changes += 1
        self._read_at = NEVER_READ

    def _read(self) -> None:
        changes, started = self._changes, time.monotonic()
        self._tenants = self._load()
        # What was changed during the read may be missing from it, so it is read again.
        self._read_at = started if changes == self._changes else NEVER_READ

    def _load(self) -> dict[str, TenantSettings]:
        with current_app.app_context():
            switch = db.session.get(Setting, UPSELL_SETTING)
            enabled = switch is None or switch.value == "on"
            rows = db.session.scalars(select(Tenant).order_by(Tenant.id))
            return {row.id: self._tenant(row, enabled) for row in rows}

    def _tenant(self, row: Tenant, enabled: bool) -> TenantSettings:
        """`UPSELL_ENABLED=false` goes before every switch; a shop's own switch goes before that of all shops."""
        switched_on = enabled if row.upsell_enabled is None else row.upsell_enabled
        return TenantSettings.of(row, self.settings.upsell_enabled and switched_on)


def registry() -> Registry:
    found: Registry = current_app.extensions["storefront_tenants"]
    return found


def set_upsell_enabled(enabled: bool, tenant_id: str | None = None) -> None:
    """Turn suggestions on or off for one shop, or for all of them, which overrides what was said for one. It has an
    effect only where UPSELL_ENABLED is true.

    Raises KeyError when there is no such tenant.
    """
    with write():
        if tenant_id is None:
            db.session.execute(update(Tenant).values(upsell_enabled=None))
            db.session.execute(delete(Setting).where(Setting.name == UPSELL_SETTING))
            db.session.add(Setting(name=UPSELL_SETTING, value="on" if enabled else "off"))
        else:
            row = db.session.get(Tenant, tenant_id)
            if row is None:
                raise KeyError(tenant_id)
            row.upsell_enabled = enabled
    registry().invalidate()


def put_setting(name: str, value: str, only_over_less_than: str | None = None) -> bool:
    """Store a setting, inside `write()`; given a limit, only if there is none of this name or its value sorts before
    the limit. Returns whether it was stored."""
    table, dialect = table_of(Setting), sqlite if write_connection().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(name=name, value=value)
    condition = None if only_over_less_than is None else table.c.value < only_over_less_than
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"value": statement.excluded.value}, where=condition
    )
    return bool(write_connection().execute(statement.execution_options(preserve_rowcount=True)).rowcount)
