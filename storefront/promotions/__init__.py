"""Uses of promotions that are limited."""
