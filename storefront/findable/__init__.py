"""How a shop is found: by search engines, price comparison, assistants, and by who mistypes."""
