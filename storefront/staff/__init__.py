"""Staff: people, their roles and sessions, API keys, and who may do what."""
