"""What the law asks a shop to say: its legal pages, and the wording of the button that orders."""
