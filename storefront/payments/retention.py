"""What is removed of payments, and when: webhooks, whose ids are kept longer than Stripe repeats them (three days)."""

from storefront.db.expiry import by_age
from storefront.payments.webhooks import webhooks

KEEP_DAYS = 30
RULE = by_age(webhooks.c.id, webhooks.c.received_at)
