"""Logs, metrics, health and readiness probes."""
