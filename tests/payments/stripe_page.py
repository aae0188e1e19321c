"""The hosted page of the fake Stripe, with Pay and Cancel."""

import html
from typing import Any

PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Pay {name}</title>
<style>body{{font:1rem system-ui;max-width:24rem;margin:4rem auto}}button{{font:inherit;padding:.6rem 1rem}}</style>
<h1>{name}</h1><p>{amount} {currency} for {email}</p>{body}"""
FORMS = """<form method="post" action="/c/pay/{id}/pay"><button id="pay">Pay</button></form>
<form method="post" action="/c/pay/{id}/debit"><button id="debit">Pay by direct debit (takes days)</button></form>
<p><a id="cancel" href="{cancel}">Cancel</a></p>"""


def page(session: dict[str, Any]) -> bytes:
    shown = {name: html.escape(str(value)) for name, value in session.items()}
    body = "<p>This page has expired.</p>"
    if session["status"] == "open":
        body = FORMS.format(id=shown["id"], cancel=shown["cancel_url"])
    fields = {"name": shown["name"], "email": shown["customer_email"], "amount": session["amount_total"] / 100}
    return PAGE.format(**fields, currency=shown["currency"].upper(), body=body).encode()
