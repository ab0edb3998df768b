"""The runbook of an environment: what to do when, with its own names, and what was measured."""
