"""staff: people, sessions, one-time links, API keys; who made an event, before and after

Events can't be changed any more, and are deleted only when the archive has them.
"""

import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TENANT_TABLES = ("membership", "staff_session", "api_key", "staff_policy", "event_archive")
TIME = sa.DateTime(timezone=True)
EVENT_COLUMNS = (
    ("actor_type", sa.String(length=16)),
    ("actor_id", sa.String(length=64)),
    ("actor_name", sa.String()),
    ("before", sa.JSON()),
    ("after", sa.JSON()),
)
REFUSED = "events are append-only: flask events archive moves old ones"
"""Changes of `event` are refused since 0001."""


def upgrade() -> None:
    create_people()
    create_memberships()
    create_api_keys()
    for name, kind in EVENT_COLUMNS:
        op.add_column("event", sa.Column(name, kind, nullable=True))
    create_archive()
    if op.get_bind().dialect.name == "sqlite":
        protect_events_on_sqlite()
    else:
        row_level_security(TENANT_TABLES)
        protect_events_on_postgresql()


def downgrade() -> None:
    """People and keys go with their tables. Archived events go back to the others."""
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("event_delete", "event_archive_update", "event_archive_delete"):
            op.execute(f"DROP TRIGGER {trigger}_refused")
    else:
        for table in ("event", "event_archive"):
            op.execute(f"DROP TRIGGER change_refused ON {table}")
        op.execute("DROP FUNCTION refuse_change_of_event()")
        op.execute("ALTER TABLE event_archive DISABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE event DISABLE ROW LEVEL SECURITY")
    columns = "tenant_id, id, type, subject, data, created_at"
    op.execute(f"INSERT INTO event ({columns}) SELECT {columns} FROM event_archive")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE event ENABLE ROW LEVEL SECURITY")
    op.drop_table("event_archive")
    for name, _ in reversed(EVENT_COLUMNS):
        op.drop_column("event", name)
    for table in (
        *("staff_policy", "api_key", "recovery_code", "one_time_link", "staff_session", "membership", "person"),
    ):
        op.drop_table(table)


def create_people() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("totp_secret", sa.String(), nullable=True),
        sa.Column("totp_confirmed_at", TIME, nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("signed_out_at", TIME, nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recovery_code_person")),
        sa.PrimaryKeyConstraint("person_id", "digest", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("shop_id", sa.String(length=63), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("person_id", sa.String(length=32), nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["tenant.id"], name=op.f("fk_one_time_link_tenant")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_one_time_link_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
    )
    op.create_index("ix_one_time_link_shop_id_email", "one_time_link", ["shop_id", "email"])


def create_memberships() -> None:
    op.create_table(
        "membership",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_membership_tenant")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person")),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", name=op.f("pk_membership")),
    )
    op.create_table(
        "staff_session",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_staff_session_tenant")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_staff_session_person")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff_session")),
    )
    op.create_index("ix_staff_session_tenant_id_person_id", "staff_session", ["tenant_id", "person_id"])
    op.create_table(
        "staff_policy",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("second_factor_required", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_staff_policy_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_staff_policy")),
    )


def create_api_keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_api_key_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_key")),
    )
    op.create_index("ix_api_key_tenant_id_prefix", "api_key", ["tenant_id", "prefix"])


def create_archive() -> None:
    op.create_table(
        "event_archive",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        *(sa.Column(name, kind, nullable=True) for name, kind in EVENT_COLUMNS),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_event_archive_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_event_archive")),
    )


def row_level_security(tables: tuple[str, ...]) -> None:
    """Held by the database itself too; forced, so that the tables' owner is held to it."""
    mine = "tenant_id = current_setting('storefront.tenant_id', true)"
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def protect_events_on_sqlite() -> None:
    archived = "EXISTS (SELECT 1 FROM event_archive kept WHERE kept.tenant_id = old.tenant_id AND kept.id = old.id)"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    op.execute(f"CREATE TRIGGER event_archive_update_refused BEFORE UPDATE ON event_archive {refuse}")
    op.execute(f"CREATE TRIGGER event_delete_refused BEFORE DELETE ON event WHEN NOT {archived} {refuse}")
    op.execute(f"CREATE TRIGGER event_archive_delete_refused BEFORE DELETE ON event_archive {refuse}")


def protect_events_on_postgresql() -> None:
    op.execute(
        f"""
        CREATE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'event' AND EXISTS (
                SELECT 1 FROM event_archive kept WHERE kept.tenant_id = OLD.tenant_id AND kept.id = OLD.id
            ) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '{REFUSED}';
        END $$
        """
    )
    for table, changes in (("event", "DELETE"), ("event_archive", "UPDATE OR DELETE")):
        op.execute(
            f"CREATE TRIGGER change_refused BEFORE {changes} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_event()"
        )
