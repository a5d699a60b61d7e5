"""Deploys both stacks to an AWS account, and deletes them."""
