"""In which language a page speaks, and where its words come from."""
