"""Invoices, delivery notes and credit notes: numbers, what they say, and how they are shown, as a page and as PDF."""
