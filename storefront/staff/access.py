"""Access control: `requires` names the permission of a view, and the start fails for a staff view without one.

A page's request is a person's, by the session cookie; a call of the JSON API is a key's, by its bearer token."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

from flask import Flask, redirect, request
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from storefront.staff.keys import authenticate_key
from storefront.staff.permissions import Permission
from storefront.staff.refusals import Forbidden, SignInRequired
from storefront.staff.sessions import SignedIn, load_session
from storefront.web.htmx import redirect_page
from storefront.web.rate_limits import limit_key_guesses
from storefront.web.security import SAFE_METHODS

API_PREFIX, ADMIN_PREFIX = "/api/", "/admin"
PUBLIC = "public"
MAX_NEXT_LENGTH = 2000
STAFF_API_CALLS = ("/upsell/calls", "/upsell/report", "/events", "/webhooks")
"""Beginnings of paths below the API's prefix whose calls are all staff's. Others are staff's if they say `requires`."""

P = ParamSpec("P")
R = TypeVar("R")


class AccessNotDeclared(RuntimeError):
    """A staff view names neither its permission nor that it is public."""


def requires(permission: Permission, confirmed: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a view, directly below its route. With `confirmed`, the password must have been entered recently."""
    permission = Permission(permission)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if is_api_call():
                check_key(permission)
            elif (elsewhere := check_session(permission, confirmed)) is not None:
                return cast(R, elsewhere)
            return view(*args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]
        return limit_key_guesses(guarded)

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate a staff page that is for everybody, as the sign-in is."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def is_api_call() -> bool:
    return request.path.startswith(API_PREFIX)


def check_key(permission: Permission) -> None:
    """Raises `Unauthorized` without a valid key, `Forbidden` for one without the scope."""
    key = authenticate_key(request.headers.get("Authorization", ""))
    if permission not in key.scopes:
        raise Forbidden(permission)


def check_session(permission: Permission, confirmed: bool) -> Response | None:
    """Return None if the person may see the page, else where to go first: sign in, set up the second factor, enter the
    password. Raises `SignInRequired` for a request other than GET, and `Forbidden`."""
    found = load_session()
    if found is None:
        if request.method not in SAFE_METHODS:
            raise SignInRequired
        return leave_for("/admin/sign-in")
    if not found.may(permission):
        raise Forbidden(permission)
    return detour(found, confirmed)


def detour(found: SignedIn, confirmed: bool) -> Response | None:
    if found.needs_second_factor and request.endpoint not in ENDPOINTS_TO_SET_UP:
        return redirect(request.script_root + "/admin/account/second-factor", 303)
    if confirmed and not found.is_confirmed:
        return leave_for("/admin/confirm")
    return None


ENDPOINTS_TO_SET_UP = ("staff.second_factor", "staff.set_up_second_factor", "staff.sign_out")


def leave_for(path: str) -> Response:
    """Redirect to a page that leads back afterwards; after a form, to the page that it stands on."""
    is_form = request.method not in SAFE_METHODS
    back = "/".join(request.path.split("/")[:3]) if is_form else request.full_path.rstrip("?")
    query = "" if back in ("/admin/", path) or len(back) > MAX_NEXT_LENGTH else "?" + urlencode({"next": back})
    return redirect_page(request.script_root + path + query)


def next_path(given: str) -> str:
    """Return where to go after signing in: the path that was asked for if it is one of the shop's `/admin`."""
    is_ours = given.startswith(ADMIN_PREFIX + "/") and "\\" not in given and "//" not in given and given.isprintable()
    return request.script_root + (given if is_ours and given.isascii() else "/admin/")


def init_app(app: Flask) -> None:
    check_access(app)
    app.before_request(hide_routes)


def hide_routes() -> Response | None:
    """Respond to a request under `/admin` that no view takes as a view does to one without a session, so that only
    staff learns which paths and methods there are. Raises `SignInRequired`."""
    if not is_admin_path(request.path) or (request.routing_exception is None and request.method != "OPTIONS"):
        return None
    if load_session() is not None:
        return None
    if request.method not in ("GET", "HEAD"):
        raise SignInRequired
    return leave_for("/admin/sign-in")


def check_access(app: Flask) -> None:
    """Raises `AccessNotDeclared` for a rule of staff whose view has neither `requires` nor `public`."""
    for rule in app.url_map.iter_rules():
        if is_staff_rule(rule) and access_of(app, rule) is None:
            raise AccessNotDeclared(f"{rule.rule}: the view {rule.endpoint} needs @requires(Permission.…) or @public")


def access_of(app: Flask, rule: Rule) -> Any:
    """The permission of a rule's view, `PUBLIC`, or None if it says neither."""
    return getattr(app.view_functions[rule.endpoint], "access", None)


def is_staff_rule(rule: Rule) -> bool:
    path = rule.rule
    if is_admin_path(path) or path.startswith("/setup/"):
        return True
    return path.startswith(API_PREFIX) and path.removeprefix("/api/v1").startswith(STAFF_API_CALLS)


def is_admin_path(path: str) -> bool:
    return path == ADMIN_PREFIX or path.startswith(ADMIN_PREFIX + "/")
