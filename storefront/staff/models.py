"""The tables of people, memberships, sessions, one-time links, recovery codes, failed sign-ins and API keys.

People belong to no shop: `person`, `recovery_code`, `one_time_link` and `failed_sign_ins` have no row-level
security. All access to them is in this package."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_token


class Person(Model):
    """Somebody who works in one or more shops. `email` is normalised and case-folded."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("email"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str]
    password_hash: Mapped[str]
    totp_secret: Mapped[str | None]
    """Encrypted. Without `totp_confirmed_at` it was shown, but no code of it has been entered yet."""
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The time step of the latest code that was accepted; it and earlier ones are refused."""
    signed_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Sessions that began before this moment are over, in every shop."""
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def has_second_factor(self) -> bool:
        return self.totp_confirmed_at is not None


class Membership(OwnedByTenant, Model):
    """A person's role in a shop. `created_by` names who invited them, as an id of a person or as a command."""

    __tablename__ = "membership"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[str | None]


class StaffSession(OwnedByTenant, Model):
    """A browser in which a person is signed in to a shop. `id` is the digest of the cookie's token."""

    __tablename__ = "staff_session"
    __table_args__ = (Index(None, "tenant_id", "person_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    """At most a minute too early, so that reading a page seldom writes."""
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    """When the password was last entered."""
    address: Mapped[str]
    browser: Mapped[str]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LinkKind(StrEnum):
    SETUP = "setup"
    INVITATION = "invitation"
    PASSWORD = "password"  # noqa: S105 - a kind of link


class OneTimeLink(Model):
    """A link that can be used once, until it expires. `id` is the digest of its token."""

    __tablename__ = "one_time_link"
    __table_args__ = (Index(None, "shop_id", "email"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    shop_id: Mapped[str | None] = mapped_column(ForeignKey("tenant.id"))
    """The shop to which an invitation invites, or at whose sign-in a password link ends. Not `tenant_id`, by which
    tables say that their rows are visible in that shop only."""
    email: Mapped[str | None] = mapped_column(String(254))
    role: Mapped[str | None] = mapped_column(String(16))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str | None]
    created_by_id: Mapped[str | None] = mapped_column(String(32))
    """The person who made it; None for a command."""


class RecoveryCode(Model):
    """A code that replaces the second factor once. `digest` is an HMAC."""

    __tablename__ = "recovery_code"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FailedSignIns(Model):
    """How often signing in failed within a window, of one address or account in all shops. `key` is an HMAC of it."""

    __tablename__ = "failed_sign_ins"
    __table_args__ = (Index(None, "expires_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_seconds: Mapped[int] = mapped_column(Integer, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the window ends."""


class ApiKey(OwnedByTenant, Model):
    """A key of the JSON API. Its text is shown once; `prefix` finds the row and `digest` (HMAC-SHA256) proves it."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "tenant_id", "prefix"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """At most a minute too early."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None]
    created_by_id: Mapped[str | None] = mapped_column(String(32))
    """The person who made it, who may have left since; None for a command."""


class StaffPolicy(OwnedByTenant, Model):
    """What a shop requires of its people. A shop without a row requires nothing."""

    __tablename__ = "staff_policy"

    second_factor_required: Mapped[bool]
