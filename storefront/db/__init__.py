"""The database layer: engine, transactions, tenant scoping."""
