"""How long things are kept that would otherwise grow without an end. docs/deploy.md says it of every table."""
