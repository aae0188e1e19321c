"""Refusals of staff's pages and calls."""

from storefront.errors import Conflict, Refusal
from storefront.i18n.gettext import N_, _


class SignInRequired(Refusal):
    """A page's request, other than GET, without a valid session."""

    status = 401
    type = "sign-in-required"
    title = N_("Please sign in")

    def __init__(self) -> None:
        super().__init__(_("Your session has ended. Please sign in and try again."))


class Forbidden(Refusal):
    """The person's role or the key's scopes don't allow this."""

    status = 403
    type = "forbidden"
    title = N_("Not allowed")

    def __init__(self, permission: str) -> None:
        super().__init__(_("You need the permission %(permission)s to do this.", permission=permission))


class LastOwner(Conflict):
    type = "last-owner"
    title = N_("A shop needs an owner")

    def __init__(self) -> None:
        super().__init__(_("This is the shop's only owner. Please make somebody else an owner first."))


class OwnRole(Conflict):
    type = "own-role"
    title = N_("Not allowed")

    def __init__(self) -> None:
        super().__init__(_("You can't give anybody, yourself included, a role above your own."))


class SignInFailed(Refusal):
    """One message for an unknown account, a wrong password and a wrong code."""

    status = 422
    type = "sign-in-failed"
    title = N_("Couldn't sign you in")

    def __init__(self) -> None:
        super().__init__(_("These details don't match an account of this shop. Please check them and try again."))


class LinkExpired(Refusal):
    """A one-time link that was used, has expired, or never existed."""

    status = 404
    type = "link-expired"
    title = N_("This link doesn't work any more")

    def __init__(self) -> None:
        super().__init__(_("The link was already used or has expired. Please ask for a new one."))
