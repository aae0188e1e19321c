"""Retention of mails. Those that were never sent are deleted, too: they hold addresses, and are too old to be sent."""

from storefront.db.expiry import by_age
from storefront.mail.queries import outbox

RULES = (by_age(outbox.c.id, outbox.c.id),)
