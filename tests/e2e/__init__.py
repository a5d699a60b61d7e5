"""The whole stack on the local AWS."""
