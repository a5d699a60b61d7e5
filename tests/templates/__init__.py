"""Checks of the stacks' templates and of the state machine's definition, without any AWS."""
