"""What all pages and API calls share: htmx, errors, security, caching, compression, static files, OpenAPI."""
