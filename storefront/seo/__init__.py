"""Search engine optimisation: sitemap, product feed, structured data (JSON-LD), robots.txt and llms.txt."""
