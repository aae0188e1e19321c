"""Pages to ask for a new password by mail. They are there only where mail is set up."""

from flask import request
from werkzeug.wrappers import Response

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.staff.access import public
from storefront.staff.account import mail_password_link
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.link_mails import can_mail_links
from storefront.staff.secrets import digest
from storefront.staff.validation import account_email
from storefront.web.client_address import client_key
from storefront.web.rate_limits import FORGOTTEN_LIMIT, FORGOTTEN_LIMIT_OF_ACCOUNT, limiter


def account_key() -> str:
    email = account_email(request.form.get("email", ""))
    return digest("throttle", email or client_key())


limit_requests = limiter.shared_limit(FORGOTTEN_LIMIT, "forgotten-passwords")
limit_requests_of_account = limiter.shared_limit(
    FORGOTTEN_LIMIT_OF_ACCOUNT, "forgotten-passwords-account", key_func=account_key
)
"""Whether the account exists or not, so that a refusal tells nothing either."""


@pages.get("/forgot-password")
@public
def forgotten() -> Response:
    check_available()
    return render_form("staff/forgotten.html", is_sent=False)


@pages.post("/forgot-password")
@public
@limit_requests
@limit_requests_of_account
def send_forgotten() -> Response:
    """Mail the link. The answer is the same for every address."""
    check_available()
    mail_password_link(request.form.get("email", ""))
    return render_form("staff/forgotten.html", is_sent=True)


def check_available() -> None:
    """Raises `NotFound`."""
    if not can_mail_links():
        raise NotFound(_("We couldn't find this page."))
