"""Refunds: what they amount to, paying them back, and the numbers of credit notes."""
