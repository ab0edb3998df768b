"""Continuous archiving of self-hosted servers, and their recovery to any moment."""
