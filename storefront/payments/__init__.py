"""Payments: providers, starting and settling a payment, webhooks, and what staff do by hand."""
