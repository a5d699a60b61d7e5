"""The recorder on the local AWS, from alarm to e-mail."""
