"""The registry of tenants in a process: a snapshot from the database, cached for a second."""

import math
import time
from threading import Lock

from flask import current_app
from sqlalchemy import delete, select, true, update

from storefront.config import Settings
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.transactions import write, write_connection
from storefront.state import current_state
from storefront.tenants.models import Setting, ShopRemoval, Tenant
from storefront.tenants.settings import TenantSettings

MAX_WAIT_SECONDS, MAX_STALE_SECONDS = 0.25, 30.0
"""How long a request waits for another thread's read, and the age up to which it then uses the last snapshot: a
database that hangs must not block all requests here."""
UPSELL_SETTING = "upsell_enabled"


NEVER_READ = -math.inf


class Registry:
    """All tenants by id, ordered by id. One instance per app; thread-safe."""

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
        """Return all tenants. Requires an application context; doesn't use the caller's session.

        One thread at a time reads; if that takes long, the others use the last snapshot."""
        age = time.monotonic() - self._read_at
        if age > self.snapshot_ttl_seconds and self._lock.acquire(
            timeout=MAX_WAIT_SECONDS if age < MAX_STALE_SECONDS else -1
        ):
            try:
                if time.monotonic() - self._read_at > self.snapshot_ttl_seconds:
                    self._read()
            finally:
                self._lock.release()
        return self._tenants

    def invalidate(self) -> None:
        """Discard the snapshot after a change, so that the next call reads again."""
        self._changes += 1
        self._read_at = NEVER_READ

    def _read(self) -> None:
        changes, started_at = self._changes, time.monotonic()
        self._tenants = self._load()
        # A change during the read may be missing from it: read again next time.
        self._read_at = started_at if changes == self._changes else NEVER_READ

    def _load(self) -> dict[str, TenantSettings]:
        with current_app.app_context():
            switch = db.session.get(Setting, UPSELL_SETTING)
            enabled = switch is None or switch.value == "on"
            removed = select(ShopRemoval.shop_id).where(ShopRemoval.finished_at.is_(None))
            rows = db.session.scalars(select(Tenant).where(Tenant.id.not_in(removed)).order_by(Tenant.id))
            return {row.id: self._tenant(row, enabled) for row in rows}

    def _tenant(self, row: Tenant, enabled: bool) -> TenantSettings:
        """Return the settings of a row. `UPSELL_ENABLED=false` overrides everything; a shop's own setting overrides
        `enabled`."""
        switched_on = enabled if row.upsell_enabled is None else row.upsell_enabled
        return TenantSettings.of(row, self.settings.upsell_enabled and switched_on)


def registry() -> Registry:
    return current_state().registry


def set_upsell_enabled(enabled: bool, tenant_id: str | None = None) -> dict[str, bool]:
    """Turn suggestions on or off for one shop, or for all shops, which clears the shops' own settings. Return by id
    what these shops had before.

    Takes effect only with UPSELL_ENABLED=true. Raises `KeyError` for an unknown tenant.
    """
    with write():
        switch = db.session.get(Setting, UPSELL_SETTING)
        was_on = switch is None or switch.value == "on"
        rows = db.session.scalars(select(Tenant).where(true() if tenant_id is None else Tenant.id == tenant_id))
        before = {row.id: was_on if row.upsell_enabled is None else row.upsell_enabled for row in rows}
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
    return before


def put_setting(name: str, value: str, only_over_less_than: str | None = None) -> bool:
    """Insert or update a setting, inside `write()`. Return whether it was stored.

    With `only_over_less_than`, an existing value is replaced only if it sorts before that value."""
    table = table_of(Setting)
    statement = engines().dialect.insert(table).values(name=name, value=value)
    condition = None if only_over_less_than is None else table.c.value < only_over_less_than
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"value": statement.excluded.value}, where=condition
    )
    return bool(write_connection().execute(statement.execution_options(preserve_rowcount=True)).rowcount)
