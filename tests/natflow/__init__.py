"""natflow at a terminal."""
