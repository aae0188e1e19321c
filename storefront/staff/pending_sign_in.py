"""The cookie that says that the password was right, until the code of the second factor is entered."""

from datetime import timedelta
from functools import cache

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from storefront.db.base import db
from storefront.staff.models import Person
from storefront.staff.queries import find_member
from storefront.tenants.context import current_tenant

PENDING_COOKIE = "staff_code"
PENDING_LIFETIME = timedelta(minutes=5)


def pending_person() -> Person | None:
    """Who has entered the right password of this shop within the last minutes."""
    try:
        person_id, shop_id = pending_signer().loads(
            request.cookies.get(PENDING_COOKIE, ""), max_age=int(PENDING_LIFETIME.total_seconds())
        )
    except BadSignature:
        return None
    if shop_id != current_tenant().id or find_member(person_id) is None:
        return None
    return db.session.get(Person, person_id)


def pending_signer() -> URLSafeTimedSerializer:
    return _pending_signer(str(current_app.secret_key))


@cache
def _pending_signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="storefront-staff-code")
