"""Sitemap, product feed, structured data, robots.txt and llms.txt."""
