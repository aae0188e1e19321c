"""Where orders are sent, and how: addresses by country, VAT ids, the choice of a shipping method."""
