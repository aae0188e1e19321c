"""Data retention: deletes old rows. docs/deploy.md lists the limit of every table."""
