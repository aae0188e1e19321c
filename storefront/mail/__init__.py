"""Mail: an outbox table written in the transaction of the change that a mail reports, rendering, and sending it
(docs/mail.md)."""
