"""Languages, locales and translations."""
