"""The checkout, for shoppers and for programs: it puts carts, suggestions and orders together."""
