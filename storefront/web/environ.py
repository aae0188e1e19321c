"""Keys that the shop adds to a request's WSGI environment."""

TENANT_KEY = "storefront.tenant_id"
"""The id of the requested tenant, or None; set by `storefront.tenants.middleware`."""
REQUEST_ID = "storefront.request_id"
"""Set by `storefront.observability.error_boundary`, before anything else runs."""
LOGGED = "storefront.logged"
"""Present once the request's log line is written."""
