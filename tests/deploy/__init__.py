"""What `make deploy` and `make delete` do."""
