"""The checkout, as pages and in the JSON API: combines carts, suggestions and orders."""
