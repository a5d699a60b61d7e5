"""Tests of the whole system: templates, state machine, local AWS, end to end."""
